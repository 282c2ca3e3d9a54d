"""The records: one set, shared by engine, store, server, views and clients.

Records are frozen and hold only plain, JSON-able data: ids, states, text, times. Never Python
values or exceptions of user code. They must not know where they are kept.
"""

from __future__ import annotations

from nbflow.models.graph import GraphEdge, GraphNode, NodeKind, RunGraph
from nbflow.models.runs import (
    Changes,
    Dependency,
    FlowKind,
    FlowRun,
    FlowRunFilter,
    FlowRunOrder,
    LogFilter,
    LogRecord,
    ResultRef,
    RunKind,
    StateChange,
    TaskKind,
    TaskRun,
    new_id,
)

__all__ = [
    "Changes",
    "Dependency",
    "FlowKind",
    "FlowRun",
    "FlowRunFilter",
    "FlowRunOrder",
    "GraphEdge",
    "GraphNode",
    "LogFilter",
    "LogRecord",
    "NodeKind",
    "ResultRef",
    "RunGraph",
    "RunKind",
    "StateChange",
    "TaskKind",
    "TaskRun",
    "new_id",
]
