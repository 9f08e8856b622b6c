"""Which rows the boxes of a hall tell each other, table by table, in the order of what refers to what.

A table of the hall tells what happened at it; the hub tells what holds for the hall. Shots and amendments go up as
facts of their own (`edge.store.shots`), and never down: they are long, and a player's shots at another table are
shown by the hub. A new table of the schema belongs in one of the two lists; a test says so.
"""

from edge.store.changes import Replica

EVERYBODY = "1"
# Who may be checked in while the hub is out of reach: players, no staff, who played at this table lately.
PLAYED_HERE = (
    "EXISTS (SELECT 1 FROM sessions s JOIN players p ON p.id = s.player_id WHERE s.player_id = {table}.player_id"
    " AND s.table_label = :label AND s.day >= :since AND p.roles = '[\"player\"]' AND p.erased IS NULL)"
)

REPLICAS: tuple[Replica, ...] = (
    Replica("players", up="guest", down=EVERYBODY, private=frozenset({"email"})),
    Replica("takeovers", ("from_id",), down=EVERYBODY),
    Replica("sources", up=EVERYBODY, local=frozenset({"elsewhere"})),
    Replica("shots"),
    Replica("amendments", ("shot_id", "revision")),
    Replica("game_sessions", down=EVERYBODY),
    Replica("matches", up=EVERYBODY, down=EVERYBODY),
    Replica("sessions", up=EVERYBODY, down=EVERYBODY),
    Replica("session_moves", ("session_id", "at"), up=EVERYBODY, down=EVERYBODY),
    Replica("rulings", down=EVERYBODY, local=frozenset({"seq"})),
    Replica("said", up=EVERYBODY, down=EVERYBODY, local=frozenset({"seq"})),
    Replica("plays", ("shot_id",), up=EVERYBODY),
    Replica("game_attendances", down=EVERYBODY),
    Replica("game_pairings", down=EVERYBODY),
    Replica("ladders", down=EVERYBODY),
    Replica("ladder_divisions", down=EVERYBODY),
    Replica("ladder_challenges", down=EVERYBODY),
    Replica("ladder_events", down=EVERYBODY),
    Replica("ladder_matches", up=EVERYBODY, down=EVERYBODY, local=frozenset({"seq"})),
    Replica("ladder_standings", ("ladder_id", "player_id"), down=EVERYBODY),
    Replica("ladder_results", ("match_id",), down=EVERYBODY),
    Replica("hall_tables", down=EVERYBODY, local=frozenset({"box"})),
    Replica("hall_table_labels", down=EVERYBODY),
    Replica("clocks", down=EVERYBODY),
    Replica("clock_spans", down=EVERYBODY),
    Replica("clock_corrections", down=EVERYBODY),
    Replica("staff_calls", up=EVERYBODY, down=EVERYBODY),
    Replica("metrics_daily", ("player_id", "date")),
    Replica("player_points", down=EVERYBODY),
    Replica("points_monthly", ("player_id", "month"), down=EVERYBODY),
    Replica("points_alltime", ("player_id",), down=EVERYBODY),
    Replica("group_changes", down=EVERYBODY),
    Replica("streaks", ("player_id",), down=EVERYBODY),
    Replica("ratings", ("player_id",), down=EVERYBODY),
    Replica("rating_changes", ("match_id", "player_id"), down=EVERYBODY),
    Replica("user_achievements", ("player_id", "badge"), down=EVERYBODY),
    Replica("pins", ("player_id",), down=PLAYED_HERE.format(table="pins")),
    Replica("cards", ("hash",), down=PLAYED_HERE.format(table="cards")),
    Replica("consents", down=EVERYBODY),
    Replica("one_time_tokens", ("hash",), up="purpose = 'claim'"),
    Replica("audit"),
    Replica("erasures", ("player_id",)),
    Replica("vote_closings", ("month",), down=EVERYBODY),
    Replica("award_votes", ("month", "kind", "voter")),
    Replica("award_months", ("month",), down=EVERYBODY),
    Replica("monthly_awards", down=EVERYBODY, local=frozenset({"seq"})),
    Replica("lucky_draws", down=EVERYBODY, local=frozenset({"seq"})),
    Replica("lucky_draw_seeds", ("draw_id",)),
    Replica("lucky_draw_entries", ("draw_id", "ticket"), down=EVERYBODY),
    Replica("championships", down=EVERYBODY),
    Replica("championship_seeds", ("championship_id", "seed"), down=EVERYBODY),
    Replica("championship_results", ("championship_id", "number"), down=EVERYBODY),
    Replica("renames", ("player_id",)),
    Replica("stats_views", ("week", "player_id")),
    Replica("training_sessions", ("session_id",)),
    Replica("training_baselines", ("player_id", "period", "measure")),
    Replica("ladder_training_scores", ("player_id", "ladder_id", "period")),
    Replica("training_periods", ("period",)),
    Replica("training_told", ("period", "rev")),
    Replica(
        "subscription_rewards",
        down=EVERYBODY,
        private=frozenset({"applied_at", "consumed_at", "saved_cents", "currency"}),
    ),
    Replica("subscriptions", ("player_id",)),
    Replica("subscription_offer", ("only",)),
    Replica("reward_rules", ("only",)),
    Replica("months_nobody_won", ("period",)),
    Replica("odd_looked_at", ("key",)),
    Replica("devices"),
    Replica("device_keys"),
    Replica("inbox_lines", ("device", "epoch")),
    Replica("inbox", ("device", "epoch", "seq")),
    Replica("set_aside"),
)

# What is one box's own affair.
OWN_AFFAIR = frozenset({
    "changes", "cloud_outbox", "commands", "enrolment_codes", "hall_role", "identity", "job_runs", "job_troubles",
    "logins", "not_booked", "outbox", "pin_failures", "sync_lines", "sync_state", "to_book",
})  # fmt: skip

BY_TABLE = {one.table: one for one in REPLICAS}
