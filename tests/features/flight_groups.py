"""The feature groups of the flight-delay example, as a blueprint says them."""

from __future__ import annotations

from typing import Any

FLIGHT_GROUPS: dict[str, Any] = {
    "origin_delays": {
        "entity": "origin",
        "event_time": "known_at",
        "features": [{"name": "late_share_3h", "type": "float"}, {"name": "late_share_24h", "type": "float"}],
    },
    "route_delays": {
        "entity": "route",
        "keys": ["origin", "dest"],
        "event_time": "known_at",
        "features": [{"name": "late_share_7d", "type": "float"}, {"name": "flights_7d", "type": "integer"}],
    },
}

FLIGHT_FEATURES = ["origin_delays.late_share_3h", "origin_delays.late_share_24h", "route_delays.late_share_7d"]
