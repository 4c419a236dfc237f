"""Who perceives what, from the places of a scenario and which of them lie beside each other."""

from collections.abc import Mapping
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
        """`places` gives the place of everybody in the scene by name; None is everywhere, as a player outside it is."""
        self._places = places
        self._graph = earshot(scenario) if scenario.places else None

    def of(self, kind: EventKind, actor: str) -> dict[str, How]:
        """Return who perceives an event of `kind` by `actor`, and how."""
        if kind == "thought":
            return {actor: "thought"}
        if kind == "narration":
            return dict.fromkeys(self._places, "was told")
        by_ear = kind == "speech"
        sense: How = "heard" if by_ear else "saw"
        return {
            name: "did" if name == actor else sense
            for name, place in self._places.items()
            if name == actor or self._carries(self._places[actor], place, by_ear)
        }

    def _carries(self, source: str | None, to: str | None, by_ear: bool) -> bool:
        if source is None or to is None or source == to:
            return True
        return by_ear and self._graph is not None and self._graph.has_edge(source, to)
