"""Secrets, each with rewordings that tell it and with replies on the same topic that do not, all written by hand.

The first half was at hand while the threshold was chosen; the second half was written before that, and only measured
with.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Planted:
    """A secret of `owner`, what others say who give it away, and what they say on the same topic without that."""

    owner: str
    premise: str
    secret: str
    reworded: tuple[str, ...]
    ordinary: tuple[str, ...]
    synonyms: dict[str, list[str]] = field(default_factory=dict)
    language: str = "en"
    aliases: tuple[str, ...] = ()


OTHERS = {"en": ("Nell Harrow", "Tobias Rook"), "zh": ("林小满", "老周")}
"""Who else is there: the first says what is to be judged, the second hears it."""

AT_HAND = (
    Planted(
        "Captain Brack",
        "A ship has run aground where the buoy used to be.",
        "He moved the buoy himself, on the night before the storm.",
        (
            "It was Brack who moved the buoy, the night before the storm broke.",
            "You shifted that marker, Captain, the very night before the storm!",
            "Ask the captain where the buoy stood before the storm; he is the one who moved it at night.",
        ),
        (
            "Captain, who moved the buoy?",
            "The storm must have carried the buoy away.",
            "I have never seen a buoy as red as that one, Captain.",
            "What a night that was! I could hear the storm from my bed, Brack.",
        ),
        {"buoy": ["marker", "float"], "move": ["shift", "drag"]},
    ),
    Planted(
        "Odile Fenn",
        "The poetry prize is to be given tonight.",
        "She has copied the prize poem out of her grandmother's diary.",
        (
            "That prize poem is copied from a diary, her grandmother's diary!",
            "Odile never wrote it. She copied the poem from her grandmother.",
            "I think you took the poem out of your grandmother's journal, Miss Fenn.",
        ),
        (
            "Odile, your poem is the best of them all, and the prize is yours.",
            "My grandmother used to read poems to me.",
            "Do you keep a diary, Odile?",
            "She looks pale. Is it the prize?",
        ),
        {"diary": ["journal"], "copy": ["take", "steal", "lift"]},
    ),
    Planted(
        "Inspector Vale",
        "A police inspector asks questions in a small hotel.",
        "The badge is false; he was dismissed from the police three years ago.",
        (
            "You were dismissed from the police three years ago, Inspector.",
            "Look at that badge, it is a false one, and he knows it.",
            "They sacked him from the force 3 years ago.",
        ),
        (
            "Show me your badge, Inspector.",
            "The police will hear of this, sir!",
            "I came to this hotel three years ago and never left.",
            "Is he really with the police? He asks a lot of questions.",
        ),
        {"dismiss": ["sack", "fire"], "police": ["force"], "false": ["fake", "forged"]},
    ),
    Planted(
        "Ferdinand Kolb",
        "The hotel closes tonight and its inventory is one guest book short.",
        "Kolb has hidden the third guest book in the cellar behind the preserves.",
        (
            "The guest book is in the cellar, behind the preserves, where Kolb hid it.",
            "Kolb, why is the third book hidden behind your jams in the cellar?",
            "I know it was you, Ferdinand: you concealed that book down in the cellar, behind the jars.",
        ),
        (
            "There are only two guest books on the shelf. Where is the third, Kolb?",
            "Mr Kolb, is there any wine left in the cellar?",
            "These preserves are excellent, Ferdinand.",
            "I wrote my name into the guest book, didn't I?",
        ),
        {"preserve": ["jam", "jar"], "hide": ["conceal"]},
    ),
    Planted(
        "Mara Lindqvist",
        "Breakfast at the expedition's base camp, the morning after the radio fell silent.",
        "She cut the cable of the radio with a bread knife.",
        (
            "Mara cut the radio cable. With the bread knife, of all things.",
            "The radio isn't broken, somebody took a knife to its cable, and that was you, Mara.",
            "She severed the wire of our radio with a knife from the kitchen.",
        ),
        (
            "Pass me the bread knife, Mara, would you?",
            "The radio is dead again. Did anybody hear it in the night?",
            "Mara, can you mend a cable?",
            "I cut my finger on this bread knife.",
        ),
        {"cable": ["wire", "cord"], "cut": ["sever"]},
    ),
    Planted(
        "Lord Ashby",
        "The will of the old lord is read in the library.",
        "The new will is a forgery, and his butler signed it for two hundred pounds.",
        (
            "The butler signed that will, my lord, and you paid him two hundred pounds.",
            "This will is forged! His own butler signed it.",
            "For 200 pounds a butler will sign anything, even a will, won't he, Lord Ashby?",
        ),
        (
            "Has the will been read yet, Lord Ashby?",
            "The butler will bring the tea.",
            "Two hundred pounds for a horse? He is mad.",
            "Sign here, my lord, and here.",
        ),
        {"forgery": ["forge", "fake"]},
    ),
    Planted(
        "Greta Blom",
        "Three bakers wait for the jury of the county fair.",
        "She bought her cake at the railway station.",
        (
            "Greta bought that cake at the station!",
            "You did not bake this cake, Greta. You bought it at the railway station.",
            "Her cake comes from the railway station, she paid for it there.",
        ),
        (
            "Greta, your cake smells wonderful.",
            "I shall meet the jury at the railway station.",
            "She baked all night for this cake, I heard her.",
            "Where did you buy the flour, Greta?",
        ),
        {"buy": ["purchase", "pay"]},
    ),
    Planted(
        "Yusuf Demir",
        "A chess tournament is in its last round.",
        "He lets his sister signal the moves to him from the balcony.",
        (
            "His sister on the balcony signals him every move!",
            "Yusuf doesn't think at all, he reads the moves off his sister's signals.",
            "Watch the balcony: that is your sister giving you the moves, Yusuf.",
        ),
        (
            "Your move, Yusuf.",
            "Is your sister here to watch, Yusuf?",
            "There is a fine view from the balcony.",
            "He makes one brilliant move after another.",
        ),
    ),
    Planted(
        "沈七",
        "末班渡船误了时辰，几个人在岸边等船。",
        "今晚不会有船了，中午沈七把桨借给了一个不肯留名的人。",
        (
            "别等船了，沈七中午就把桨借给人家了。",
            "七爷，你把桨借给了一个没留名的人，对不对？",
            "他的桨今天中午借出去了，借给一个不肯说名字的人，今晚哪里还有船。",
        ),
        (
            "沈七，今晚的船什么时候来？",
            "我等了一个中午，连一条船也没有看见。",
            "七爷，您贵姓大名，我给您记着。",
            "这雨下得真大，我想借一把伞。",
        ),
        {"不肯留名": ["没留名"]},
        "zh",
        ("七爷",),
    ),
    Planted(
        "顾闻之",
        "茶棚里，先生替人写信。",
        "那封退婚的信是顾闻之自己编的，新郎从来没有写过。",
        (
            "退婚的信是顾先生编的，新郎根本没有写过。",
            "顾闻之，新郎从来没写过什么退婚信，是你自己编的吧？",
            "我看那封退婚信，是他自己编出来的。",
        ),
        (
            "顾先生，替我写一封信好吗？",
            "新郎今天穿得真体面。",
            "她退婚以后一直没有出过门。",
            "顾先生写的信，句句都动听。",
        ),
        {},
        "zh",
        ("顾先生",),
    ),
    Planted(
        "Ines Halloran",
        "A clerk values the furniture of a house.",
        "She is the daughter of the man who built this house, and grew up in the attic.",
        (
            "Ines, your father built this house, and you grew up in the attic!",
            "She grew up here, in the attic; she is the builder's daughter.",
            "You are the daughter of the man who built it.",
        ),
        (
            "Who built this house, Ines?",
            "There is a chest in the attic that is not on your list, Miss Halloran.",
            "My daughter would love an attic like that.",
            "Ines, write down one chair and one mirror.",
        ),
        {"daughter": ["father", "child"]},
    ),
    Planted(
        "Brother Anselm",
        "The monks look for the silver cup.",
        "He sold the silver cup to pay for the medicine of the miller's child.",
        (
            "Brother Anselm sold the cup so that the miller's child could have medicine.",
            "You sold our silver cup, brother, and gave the money for a child's medicine.",
            "The chalice is gone because he sold it, to buy drugs for the miller's boy.",
        ),
        (
            "Brother Anselm, have you seen the silver cup?",
            "The miller's child is ill again, they say.",
            "What does such a medicine cost, brother?",
            "Whoever took the cup will answer for it.",
        ),
        {"cup": ["chalice"], "medicine": ["drug"], "child": ["boy", "kid"]},
    ),
)

MEASURED = (
    Planted(
        "Doctor Moss",
        "The botanical society admires a fern with blue edges.",
        "The famous fern is common bracken that was stained with ink.",
        (
            "Your famous fern is bracken, Doctor, common bracken with ink on it.",
            "It is nothing but bracken, she stained it with ink.",
            "Doctor Moss has dyed ordinary bracken with ink, and you gave her a medal.",
        ),
        (
            "What a famous fern, Doctor Moss! The edges are so blue.",
            "May I borrow your ink, Doctor?",
            "There is bracken all along the path, and one birch.",
            "She found it on the cliffs, did she not? It is not common to find one.",
        ),
        {"stain": ["dye", "colour"], "common": ["ordinary", "plain"]},
    ),
    Planted(
        "Pip",
        "An inventor of nine years shows her shed.",
        "The stolen necklace lies in a biscuit tin beneath the floor of the shed.",
        (
            "The necklace is in a biscuit tin, under Pip's floor!",
            "Pip, you keep the stolen necklace beneath the shed, in a tin.",
            "Lift the floor of her shed and you will find the necklace that was stolen.",
        ),
        (
            "Pip, do you have a biscuit for me?",
            "The necklace was stolen from a locked room.",
            "What a fine shed, Pip! Did you lay the floor yourself?",
            "She has a tin full of screws.",
        ),
        {"beneath": ["under", "below"]},
    ),
    Planted(
        "Aurel Quist",
        "The last guest comes down the stairs.",
        "Every New Year he proposes to Ottoline by letter and does not sign it.",
        (
            "Those unsigned letters every New Year are yours, Quist. You propose to Ottoline.",
            "He proposes to Ottoline each New Year, in a letter without a name.",
            "It is Aurel who writes to Ottoline at New Year and asks for her hand, unsigned.",
        ),
        (
            "Happy New Year, Mr Quist!",
            "There is a letter for you, Aurel.",
            "What do you propose, Quist?",
            "Sign here for the parcel, please.",
        ),
        {"unsigned": ["not sign", "without a name"]},
    ),
    Planted(
        "Hanna Weiss",
        "The crew of a spaceship wakes from a long sleep.",
        "She woke the crew forty years too early because she was lonely.",
        (
            "Hanna woke us forty years too early, because she was lonely.",
            "You woke us up decades early, Hanna, only so that you would not be alone.",
            "We were woken 40 years before time. She couldn't bear the loneliness.",
        ),
        (
            "How long have we slept, Hanna?",
            "It is early. Is the crew awake?",
            "Forty years is a long time to sleep.",
            "She looks lonely over there, by the window.",
        ),
        {"early": ["before time", "too soon"], "lonely": ["alone", "loneliness"]},
    ),
    Planted(
        "Tomas Reyes",
        "Behind the stage, an hour before the magic show.",
        "The lady in the box is his twin daughters, one at each end.",
        (
            "There are two of them! His twin daughters are in the box, one at each end.",
            "Tomas uses his twins: one daughter lies at one end of the box and one at the other.",
            "I know your trick, Tomas. The lady is a pair of twins in one box.",
        ),
        (
            "Tomas, who is the lady in the box tonight?",
            "Your daughters are waiting outside, Mr Reyes.",
            "How do you saw a box in two, Tomas?",
            "The show will end at ten.",
        ),
    ),
    Planted(
        "Mrs Pell",
        "Tea with the neighbours after the fire in the mill.",
        "Her son lit the fire, and she burned his coat in the stove.",
        (
            "Her son lit that fire, and his coat went into her stove.",
            "Mrs Pell burned the coat because her boy had started the fire.",
            "You put your son's coat in the stove, Mrs Pell, since it was he who lit the fire.",
        ),
        (
            "Where is your son today, Mrs Pell?",
            "The fire could be seen from the bridge.",
            "Come in, put your coat by the stove and get warm, Mrs Pell.",
            "Nobody knows how the fire began.",
        ),
        {"light": ["start", "set"], "son": ["boy"]},
    ),
    Planted(
        "Sergeant Doyle",
        "Roll call on the morning before the march.",
        "He cannot read the orders, and invents them.",
        (
            "The sergeant can't read. He invents the orders.",
            "Doyle makes the orders up, since he cannot read them!",
            "You have never read one of those orders, Sergeant, you invented them all.",
        ),
        (
            "What are the orders, Sergeant?",
            "Sergeant Doyle, shall I read the list?",
            "Who invented this soup?",
            "Orders are orders, he says.",
        ),
        {"invent": ["make up", "making up"]},
    ),
    Planted(
        "Clara Voss",
        "A rehearsal of the string quartet.",
        "She sold the Guarneri in March and plays a copy from Mittenwald.",
        (
            "Clara sold the Guarneri in March. That is a copy.",
            "That violin of yours is a copy from Mittenwald, Clara; the Guarneri is sold.",
            "She parted with the Guarneri last spring and plays a replica.",
        ),
        (
            "Clara, your Guarneri sounds better every year.",
            "We play in Mittenwald in March, don't we, Clara?",
            "Have you a copy of the second movement?",
            "The tickets are all sold.",
        ),
        {"sell": ["part with", "parted with"], "copy": ["replica"]},
    ),
    Planted(
        "阿藕",
        "渡口的姑娘替客人看管落下的东西。",
        "她把客人的玉镯当了，换钱给弟弟治病。",
        (
            "阿藕把玉镯当了，换了钱给弟弟治病。",
            "你弟弟治病的钱，是当了客人的玉镯换来的吧？",
            "客人的玉镯早进了当铺，她要给弟弟看病。",
        ),
        (
            "阿藕，你弟弟今天怎么没有来？",
            "我的玉镯不知道落在哪里了。",
            "客人都走了，收摊吧，阿藕。",
            "这病要好好治，别舍不得钱。",
        ),
        {"治病": ["看病"]},
        "zh",
    ),
    Planted(
        "石大夫",
        "村里的人都病了，在药铺前排队。",
        "石大夫往井里倒了药渣，全村的人才病倒的。",
        (
            "是石大夫往井里倒药渣，全村才病倒的！",
            "您往井里倒过药渣，石大夫，大家就是这么病的。",
            "村里的井水不能喝了，他把药渣倒进井里了。",
        ),
        (
            "石大夫，我的药好了没有？",
            "井水今天有点浑，您看见了吗？",
            "全村的人都来排队了，石大夫。",
            "这药真苦，能不能少喝一点？",
        ),
        {},
        "zh",
    ),
    Planted(
        "柳三娘",
        "戏班子今晚最后一场。",
        "柳三娘的嗓子坏了，幕后替她唱的是她的徒弟小燕。",
        (
            "她嗓子早坏了，在幕后唱的是小燕。",
            "三娘，替你唱的是你徒弟小燕吧？你的嗓子坏了。",
            "幕后那个人才是真唱的，柳三娘只张嘴，徒弟小燕替她。",
        ),
        (
            "柳三娘今晚唱哪一出？",
            "小燕，把幕拉开。",
            "师傅，您的嗓子真好。",
            "柳三娘的徒弟今天没有来排练。",
        ),
        {},
        "zh",
        ("三娘",),
    ),
    Planted(
        "Judge Harlow",
        "A dinner at the judge's house after the trial.",
        "He took a bribe from the defence: a horse called Juniper.",
        (
            "Juniper was the bribe. The defence gave the judge that horse.",
            "You took a horse from the defence, Judge Harlow, and we both know what that is called: a bribe.",
            "He was bribed by the defence with the mare.",
        ),
        (
            "Judge Harlow, the defence was excellent today.",
            "What a beautiful horse! What is she called?",
            "Nobody would dare to bribe a judge in this county.",
            "Do you ride, Judge?",
        ),
        {"horse": ["mare"]},
    ),
)
