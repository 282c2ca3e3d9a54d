"""Cache keys are equal when, and only when, what a policy looks at is equal."""

from __future__ import annotations

import pickle
import threading
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pandas as pd
import pytest

from nbflow.cache_policies import (
    DEFAULT,
    FLOW_PARAMETERS,
    INPUTS,
    NO_CACHE,
    NONE,
    RUN_ID,
    TASK_SOURCE,
    CacheContext,
    CacheKeyFnPolicy,
    CachePolicy,
    CompoundCachePolicy,
    task_input_hash,
)
from nbflow.exceptions import ConfigurationError, HashError


def load(x):
    return x


def other(x):
    return x + 1


@dataclass
class Task:
    fn: Any = load
    name: str = "load"
    task_key: str = "module.load"


TASK_RUN, FLOW_RUN = UUID(int=1), UUID(int=2)


@dataclass
class Run:
    id: UUID = TASK_RUN
    flow_run_id: UUID | None = FLOW_RUN


def key(policy, inputs=None, parameters=None, *, fn=load, run=None, source=None, **task):
    context = CacheContext(Task(fn, **task), run or Run(), source)
    return policy.compute_key(context, inputs or {}, parameters or {})


SENSITIVE = {
    "inputs": ({"inputs": {"x": 1}}, {"inputs": {"x": 2}}, [INPUTS, DEFAULT, INPUTS + RUN_ID]),
    "input types": (
        {"inputs": {"x": 1}},
        {"inputs": {"x": True}},
        [INPUTS, DEFAULT, INPUTS + RUN_ID],
    ),
    "input names": ({"inputs": {"x": 1}}, {"inputs": {"y": 1}}, [INPUTS, DEFAULT, INPUTS + RUN_ID]),
    "code": ({"fn": load}, {"fn": other}, [TASK_SOURCE, DEFAULT]),
    "source": ({"source": "a"}, {"source": "b"}, [TASK_SOURCE, DEFAULT]),
    "flow run": ({}, {"run": Run(flow_run_id=UUID(int=3))}, [RUN_ID, DEFAULT, INPUTS + RUN_ID]),
    "parameters": ({"parameters": {"a": 1}}, {"parameters": {"a": 2}}, [FLOW_PARAMETERS]),
}
POLICIES = [INPUTS, TASK_SOURCE, RUN_ID, FLOW_PARAMETERS, DEFAULT, INPUTS + RUN_ID]
BASE = {"inputs": {"x": 1}, "parameters": {"a": 1}}


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
@pytest.mark.parametrize("what", SENSITIVE)
def test_a_policy_looks_at_its_own_matter_only(what, policy):
    one, two, sensitive = SENSITIVE[what]
    keys = key(policy, **{**BASE, **one}), key(policy, **{**BASE, **two})
    assert None not in keys
    assert (keys[0] != keys[1]) is any(policy == each for each in sensitive)


def test_the_task_run_stands_in_outside_of_flows():
    assert key(RUN_ID, run=Run(flow_run_id=None)) == str(UUID(int=1))


@pytest.mark.parametrize("policy", [NO_CACHE, NONE, INPUTS, FLOW_PARAMETERS, CacheKeyFnPolicy()])
def test_with_nothing_to_look_at_there_is_no_key(policy):
    assert key(policy) is None


def test_the_order_of_arguments_does_not_matter():
    assert key(INPUTS, {"a": 1, "b": 2}) == key(INPUTS, {"b": 2, "a": 1})


@pytest.mark.parametrize("policy", [INPUTS - "conn", DEFAULT - "conn", INPUTS + RUN_ID - "conn", INPUTS + (INPUTS - "conn")], ids=repr)  # fmt: skip
def test_subtracted_arguments_do_not_count(policy):
    one = key(policy, {"x": 1, "conn": threading.Lock()})
    assert one == key(policy, {"x": 1, "conn": object()})
    assert one != key(policy, {"x": 2, "conn": object()})


def test_subtraction_from_what_ignores_inputs_changes_nothing():
    assert RUN_ID - "x" == RUN_ID
    with pytest.raises(TypeError, match="argument names"):
        INPUTS - 1
    with pytest.raises(TypeError, match="argument names"):
        DEFAULT - INPUTS


def test_sums_are_flat_without_order_and_without_repeats():
    assert (INPUTS + RUN_ID) + TASK_SOURCE == RUN_ID + (TASK_SOURCE + INPUTS) == DEFAULT
    assert hash(INPUTS + RUN_ID) == hash(RUN_ID + INPUTS)
    assert INPUTS + RUN_ID + INPUTS == INPUTS + RUN_ID
    assert key(INPUTS + RUN_ID, **BASE) == key(RUN_ID + INPUTS, **BASE)
    assert INPUTS + RUN_ID != INPUTS + TASK_SOURCE
    with pytest.raises(TypeError, match="cache policies"):
        INPUTS + "x"


def test_adding_no_cache_changes_nothing():
    assert INPUTS + NO_CACHE == NO_CACHE + INPUTS == INPUTS
    assert DEFAULT + NO_CACHE == DEFAULT


def test_a_sum_without_any_key_has_none():
    assert key(INPUTS + FLOW_PARAMETERS) is None


def test_keys_of_ones_own():
    policy = CachePolicy.from_cache_key_fn(lambda context, args: f"{context.task.name}-{args['x']}")
    assert key(policy, {"x": 1}) == "load-1"
    assert key(policy + RUN_ID, {"x": 1}) != key(policy + RUN_ID, {"x": 2})
    with pytest.raises(ConfigurationError, match="returned a int; return a str"):
        key(CacheKeyFnPolicy(cache_key_fn=lambda *_: 3))


def test_a_policy_of_ones_own_can_be_added():
    @dataclass(frozen=True)
    class Day(CachePolicy):
        day: str = ""

        def compute_key(self, task_ctx, inputs, flow_parameters, **kwargs):
            return self.day

    assert key(INPUTS + Day("mon"), {"x": 1}) != key(INPUTS + Day("tue"), {"x": 1})


def test_task_input_hash_counts_task_code_and_arguments():
    def hashed(arguments, **task):
        return task_input_hash(CacheContext(Task(**task), Run()), arguments)

    assert hashed({"x": 1}) == hashed({"x": 1})
    different = [
        hashed({"x": 1}),
        hashed({"x": 2}),
        hashed({"x": 1}, fn=other),
        hashed({"x": 1}, task_key="o"),
    ]
    assert len(set(different)) == 4


@pytest.mark.parametrize(
    "policy",
    [INPUTS, DEFAULT, pytest.param(CacheKeyFnPolicy(cache_key_fn=task_input_hash), id="function")],
    ids=repr,
)
def test_an_argument_without_content_is_named_in_one_line(policy):
    with pytest.raises(HashError) as caught:
        key(policy, {"x": 1, "conn": [threading.Lock()]})
    text = str(caught.value)
    assert text.startswith("Argument 'conn': element [0] is a _thread.lock")
    assert "task 'load'" in text and "INPUTS - 'conn'" in text and "\n" not in text


def test_code_without_content_is_named_in_one_line():
    lock = threading.Lock()
    with pytest.raises(
        HashError, match=r"The code of task 'load' cannot be part of a cache key.*lock"
    ):
        key(TASK_SOURCE, fn=lambda: lock)


def test_frames_are_arguments_like_any_other():
    frame = pd.DataFrame({"a": [1, 2]})
    assert (
        key(INPUTS, {"x": frame})
        == key(INPUTS, {"x": frame.copy()})
        != key(INPUTS, {"x": frame + 1})
    )


def test_the_place_of_the_cache_can_be_chosen():
    policy = (INPUTS + RUN_ID).configure(key_storage="s3://cache")
    assert policy.key_storage == "s3://cache"
    assert (policy + TASK_SOURCE).key_storage == "s3://cache"
    assert policy != INPUTS + RUN_ID
    assert key(policy, **BASE) == key(INPUTS + RUN_ID, **BASE)
    assert isinstance(INPUTS.configure(key_storage="/a") + RUN_ID, CompoundCachePolicy)
    with pytest.raises(ValueError, match="different places"):
        INPUTS.configure(key_storage="/a") + RUN_ID.configure(key_storage="/b")


def test_locks_are_not_supported_yet_and_say_so():
    assert INPUTS.configure(isolation_level="READ_COMMITTED") == INPUTS
    for setting in ({"isolation_level": "SERIALIZABLE"}, {"lock_manager": object()}):
        with pytest.raises(ConfigurationError, match="not supported"):
            INPUTS.configure(**setting)


def test_policies_are_readable_and_travel():
    assert repr(DEFAULT - "x") == "TASK_SOURCE + RUN_ID + INPUTS - 'x'"
    assert repr(INPUTS.configure(key_storage="/a")) == "INPUTS in '/a'"
    assert repr(NO_CACHE) == "NO_CACHE"
    assert pickle.loads(pickle.dumps(DEFAULT)) == DEFAULT
