"""Plays the dialogues of a scenario file in sotopia 0.1.5; runs in sotopia's own environment, knowing nothing of ours.

`python sotopia_driver.py SCENARIO ADDRESS` prints seconds, seconds of CPU and lines spoken, as JSON. Sotopia's own
`run_async_server` plays all dialogues at once, their people by turns, with its storage in local files, into which
nothing is put, and nobody who judges in the end. The time is taken when a first dialogue is over and all connections
are open.
"""

import asyncio
import contextlib
import io
import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ |= {"SOTOPIA_STORAGE_BACKEND": "local", "CUSTOM_API_KEY": "none", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
with contextlib.redirect_stdout(io.StringIO()):  # what it says of its storage
    import litellm
    import yaml
    from sotopia.agents import LLMAgent
    from sotopia.database import AgentProfile, EnvironmentProfile
    from sotopia.envs import ParallelSotopiaEnv
    from sotopia.envs.evaluators import Evaluator, RuleBasedTerminatedEvaluator
    from sotopia.server import run_async_server


class NoJudge(Evaluator):
    """Has nothing to say of a dialogue that is over; sotopia wants somebody in this place."""

    prompt = ""

    def __call__(self, turn_number: int, messages: list[Any]) -> list[Any]:
        return []

    async def __acall__(self, turn_number: int, messages: list[Any]) -> list[Any]:
        return []


def dialogue(number: int, scenario: dict[str, Any], model: str) -> tuple[ParallelSotopiaEnv, list[LLMAgent]]:
    """Return one dialogue, ready to be played."""
    profile = EnvironmentProfile(
        pk=f"dialogue-{number}",
        codename=f"dialogue-{number}",
        scenario=f"{scenario['premise']} It is {scenario['time']}.",
        agent_goals=[member["secret"] for member in scenario["cast"]],
    )
    stage = ParallelSotopiaEnv(
        env_profile=profile,
        model_name=model,
        action_order="round-robin",
        evaluators=[RuleBasedTerminatedEvaluator(max_turn_number=scenario["turns"], max_stale_turn=2)],
        terminal_evaluators=[NoJudge()],
    )
    people = [person(f"{number}-{at}", member["character"]) for at, member in enumerate(scenario["cast"])]
    return stage, [LLMAgent(agent_profile=one, model_name=model) for one in people]


def person(key: str, character: dict[str, str]) -> AgentProfile:
    """Return a character in sotopia's terms."""
    first, last = character["name"].split()
    public, values = character["introduction"], character["personality"]
    return AgentProfile(pk=key, first_name=first, last_name=last, public_info=public, personality_and_values=values)


async def play(scenario: dict[str, Any], address: str) -> dict[str, float]:
    """Play all dialogues; return what all but the first took."""
    first, *stages = [dialogue(number, scenario, f"custom/sotopia@{address}") for number in range(scenario["episodes"])]
    hello = [{"role": "user", "content": "Hello."}]
    warm = {"model": "openai/sotopia", "base_url": address, "api_key": "none", "messages": hello}
    await _played([first])
    await asyncio.gather(*(litellm.acompletion(**warm) for _ in stages))
    begun, cpu = time.perf_counter(), time.process_time()
    dialogues = await _played(stages)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    said = (getattr(message, "action_type", "") for dialogue in dialogues for _, _, message in dialogue)
    return {"seconds": seconds, "cpu": cpu, "lines": sum(kind == "speak" for kind in said)}


async def _played(stages: list[Any]) -> Any:
    return await run_async_server(env_agent_combo_list=stages, action_order="round-robin", push_to_db=False)


async def main() -> None:
    """Play, print, and end the process there and then: litellm's logging may keep its event loop from closing."""
    with contextlib.redirect_stdout(io.StringIO()):  # sotopia shows its progress
        outcome = await play(yaml.safe_load(Path(sys.argv[1]).read_text()), sys.argv[2])
    print(json.dumps(outcome), flush=True)
    os._exit(0)


logging.disable(logging.CRITICAL)
asyncio.run(main())
