"""A prompt as a person reads it: the messages in order, with a mark where a picture stands."""

from scenes.chat import Prompt, fitting, message_text, messages


def prompt_text(prompt: Prompt, dropped: int = 0) -> str:
    """Return the prompt as it was sent, without the `dropped` oldest segments of its history."""
    shown = messages(fitting(prompt.segments(), dropped))
    return "\n".join(f"<{message.role}> {message_text(message, _mark)}" for message in shown)


def _mark(image: str) -> str:
    return f"⟦picture {image[:8]}⟧"
