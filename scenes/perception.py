"""Who perceives what: from the places of a scenario, which of them lie beside each other, and who is where now."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from scenes.event import EventKind, How
from scenes.scenario import Scenario

if TYPE_CHECKING:
    import networkx as nx


def earshot(scenario: Scenario) -> "nx.Graph[str]":
    """Return the graph of places; an edge joins two between which speech carries."""
    import networkx as nx

    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(scenario.places)
    graph.add_edges_from((name, other) for name, place in scenario.places.items() for other in place.beside)
    return graph


def groups_in_earshot(scenario: Scenario) -> list[set[str]]:
    """Return the places of the cast in sets: within one, everybody hears everybody, if need be through others."""
    import networkx as nx

    occupied = {member.place for member in scenario.cast if member.place}
    return list(nx.connected_components(earshot(scenario).subgraph(occupied)))


class Perception:
    """Who is where in one scene, and so who perceives what is done and said."""

    def __init__(self, scenario: Scenario, places: Mapping[str, str | None]) -> None:
        """`places` gives the place of everybody on the stage; None is everywhere, as a player outside it is."""
        self._places = dict(places)
        self._graph = earshot(scenario) if scenario.places else None

    def put(self, name: str, place: str | None) -> None:
        """Let somebody be at `place` from now on."""
        self._places[name] = place

    def take_away(self, name: str) -> None:
        """Let somebody be on the stage no longer, where nothing is perceived of it."""
        self._places.pop(name, None)

    def everybody(self) -> list[str]:
        """Return who is on the stage."""
        return list(self._places)

    def together_with(self, name: str) -> list[str]:
        """Return who sees what `name` does, itself among them; nobody if it is not on the stage."""
        return [other for other in self._places if self._carries(name, other, by_ear=False)]

    def of(self, kind: EventKind, actor: str, to: Iterable[str] = ()) -> dict[str, How]:
        """Return who perceives an event of `kind` by `actor`, and how. A whisper reaches those in `to` alone."""
        if kind == "system":
            return {}
        if kind == "thought":
            return {actor: "thought"}
        if kind == "narration":
            return dict.fromkeys(self._places, "was told")
        chosen = set(to)
        by_ear = kind == "speech"
        sense: How = "heard" if by_ear else "saw"
        return {
            name: "did" if name == actor else sense
            for name in self._places
            if name == actor or self._reaches(actor, name, by_ear, chosen)
        }

    def _reaches(self, actor: str, name: str, by_ear: bool, chosen: set[str]) -> bool:
        if chosen:
            return name in chosen and self._carries(actor, name, by_ear=False)
        return self._carries(actor, name, by_ear)

    def _carries(self, actor: str, name: str, by_ear: bool) -> bool:
        if actor not in self._places:
            return False
        source, to = self._places[actor], self._places[name]
        if source is None or to is None or source == to:
            return True
        return by_ear and self._graph is not None and self._graph.has_edge(source, to)
