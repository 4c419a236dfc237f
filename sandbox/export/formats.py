"""The closed set of formats."""

from sandbox.export.character_rm import CharacterRm
from sandbox.export.mmrole_rm import MMRoleRm
from sandbox.export.row import Format
from sandbox.export.trl_sft import TrlSft

FORMATS: dict[str, Format] = {made.name: made for made in (TrlSft(), MMRoleRm(), CharacterRm())}
