"""The tables of a run's store, and the hash that ends every row.

Prompts are a trie: a node is a segment after its parent, so a run grows with what is new in its requests. Every key
comes from play itself, so that writing a row twice is writing it once. What a scorer says of an episode is one row, and
beside it in `verdicts` stand the sums that all statistics are made of, so that a table of a large run need not read
the rest: `groups` is JSON, a list of [metric, character, model, cause], and `counts` has three doubles, little-endian,
for each group: how many scores, how many with a value, and the sum of these.
"""

from hashlib import blake2b

VERSION = 3
Row = tuple[object, ...]

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL, hash BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE episodes (
    id INTEGER PRIMARY KEY, variant INTEGER NOT NULL, variant_id TEXT NOT NULL, "values" TEXT NOT NULL,
    seed INTEGER NOT NULL, status TEXT NOT NULL, error TEXT, started REAL NOT NULL, ended REAL,
    events INTEGER NOT NULL, parent INTEGER, "after" INTEGER, hash BLOB NOT NULL);
CREATE TABLE events (
    episode INTEGER NOT NULL, "index" INTEGER NOT NULL, body TEXT NOT NULL, time REAL NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (episode, "index")) WITHOUT ROWID;
CREATE TABLE calls (
    episode INTEGER NOT NULL, key TEXT NOT NULL, node BLOB NOT NULL, request TEXT NOT NULL, digest TEXT NOT NULL,
    completion TEXT, error TEXT, time REAL NOT NULL, seconds REAL NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (episode, key)) WITHOUT ROWID;
CREATE TABLE prompts (
    node BLOB PRIMARY KEY, parent BLOB NOT NULL, segment TEXT NOT NULL, hash BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE images (
    id TEXT NOT NULL, name TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, facts TEXT NOT NULL,
    episode INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (episode, name, id)) WITHOUT ROWID;
CREATE TABLE scorers (id TEXT PRIMARY KEY, name TEXT NOT NULL, facts TEXT NOT NULL, hash BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE verdicts (
    scorer TEXT NOT NULL, episode INTEGER NOT NULL, error TEXT, kind TEXT NOT NULL, groups TEXT NOT NULL,
    counts BLOB NOT NULL, time REAL NOT NULL, seconds REAL NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (scorer, episode)) WITHOUT ROWID;
CREATE TABLE scores (
    scorer TEXT NOT NULL, episode INTEGER NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (scorer, episode));
"""

PUT_META = "INSERT INTO meta"
SESSION = "session/"
"""What the keys in `meta` begin with under which summaries stand, one for each command that played or resumed."""
PUT_EPISODE = "INSERT OR REPLACE INTO episodes"
PUT_IMAGE = "INSERT OR IGNORE INTO images"
PUT_NODE = "INSERT OR IGNORE INTO prompts"
PUT_CALL = "INSERT OR REPLACE INTO calls"
PUT_EVENT = "INSERT OR IGNORE INTO events"
PUT_SCORER = "INSERT OR IGNORE INTO scorers"
PUT_VERDICT = "INSERT OR REPLACE INTO verdicts"
PUT_SCORES = "INSERT OR REPLACE INTO scores"


def hashed(*values: object) -> Row:
    """Return the row of `values`, which its hash ends; SQLite's own check does not cover what is in a row."""
    return (*values, blake2b("\x1f".join(map(repr, values)).encode(), digest_size=8).digest())
