"""A scene in Chinese is asked for in Chinese: no instruction of ours is left in English."""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from staging import performed, scene_of

from agents import mind
from sandbox.engines.form import instance
from scenes.chat import Request

ENGLISH = re.compile(r"[A-Za-z]{2,}(?:[ ,]+[A-Za-z]{2,})+")
"""Two English words in a row; names of decisions and of JSON fields stand alone."""
CAST: list[dict[str, Any]] = [
    {
        "character": {"name": "掌柜", "introduction": "客栈的主人。他记性很好。", "private": "他欠了债。"},
        "place": "大堂",
    },
    {"character": {"name": "客人", "role": "赶路的人", "world": "旧事集"}, "place": "大堂", "position": "窗边"},
    {"character": {"name": "小二"}, "place": "厨房", "state": "困", "secret": "他摔了碗。"},
    {"character": {"name": "差人"}, "place": "大堂", "reserve": True},
]


def test_a_story_in_chinese_is_asked_for_in_chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mind, "ENOUGH", 2.0)
    images = {
        "街": {"storybook": {"seed": 7}, "notes": {"place": "老街"}},
        "信": {"storybook": {"seed": 9}, "reserve": True},
    }
    scene = scene_of(
        tmp_path,
        kind="story",
        language="zh",
        premise="雨夜，客栈里少了一只碗。",
        time="夜里",
        images=images,
        places={"大堂": {"shows": ["街"], "beside": ["厨房"]}, "厨房": {}},
        cast=CAST,
        narrator={"knows_secrets": True},
        mind="bdi",
        memory={"words": 40, "recalled": 2},
        turn_policy="narrator",
        interview=[{"ask": "谁摔了碗？", "choices": "cast"}, {"ask": "怎么样？"}],
        turns=30,
    )
    lines = {"t03": "（走到厨房）小二？", "t05": "（对掌柜耳语）是我。"}

    def answer(key: str, request: Request) -> str:
        if key.endswith("narrator/steer") and key < "t30":
            choices = json.loads(request.form or "")["properties"]["decision"]["enum"]
            others = [choice for choice in choices if choice != "end"]
            return json.dumps({"reason": "试试", "decision": others[int(key[1:3]) % len(others)]})
        if request.form:
            value = instance(json.loads(request.form), Random(request.seed))
            return re.sub("Something happens.", "有事发生", json.dumps(value, ensure_ascii=False))
        return lines.get(key[:3], "好的，我知道了。")

    requests = performed(scene, "images-first", answer)
    asked = {key.split("/")[-1].split("-")[0] for key in requests}
    assert asked >= {"open", "speak", "judge", "narrate", "react", "steer", "switch", "update", "summary", "reflect"}
    for key, request in requests.items():
        for segment in request.prompt.segments():
            text = re.sub(r"###.*|(pick_speaker|switch_scene|add_role|show_image|end)\\b", "", segment.text)
            assert not ENGLISH.search(text), (key, segment.text)
