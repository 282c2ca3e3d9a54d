"""What expressions read, bind and give, in the order in which Python evaluates them.

This module decides what is known of an expression's value, and which names are bound where it
was true. Lambdas and generators run later: their effects are gathered apart.
"""
# ruff: noqa: ARG002, D102, N815 - visitors are named after the nodes of `ast`, and take them all

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from .calls import Calls
from .scopes import Frame, declare, defaults_of, parameters
from .values import (
    CONST,
    FRESH,
    Sink,
    State,
    Value,
    copied,
    join,
    merged,
)


class Expressions(Calls):
    """The expressions of one cell."""

    def block(self, body: Sequence[ast.stmt]) -> None:
        """Run statements, one after the other."""
        raise NotImplementedError

    # ── expressions ──────────────────────────────────────────────────────────────────────

    def expr(self, node: ast.expr) -> Value:
        """Evaluate an expression: count its effects, tell what is known of its value."""
        kind = type(node)
        method: Any = self.expressions.get(kind)
        if method is None:
            method = getattr(self, f"visit_{kind.__name__}", self._fresh)
            self.expressions[kind] = method
        value: Value = method(node)
        return value

    def _children(self, node: ast.AST) -> list[Value]:
        return [
            self.expr(item) for item in ast.iter_child_nodes(node) if isinstance(item, ast.expr)
        ]

    def _fresh(self, node: ast.expr) -> Value:
        self._children(node)
        return FRESH

    def _whole(self, node: ast.expr) -> Value:
        return merged(self._children(node))

    visit_Set = visit_Starred = _whole

    def visit_Tuple(self, node: ast.Tuple | ast.List) -> Value:
        items = self._children(node)
        value = merged(items)
        if not any(isinstance(item, ast.Starred) for item in node.elts):
            value.items = items
        return value

    visit_List = visit_Tuple

    def visit_Dict(self, node: ast.Dict) -> Value:
        values = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key:
                values.append(self.expr(key))
            values.append(self.expr(value))
        return merged(values)

    def visit_Constant(self, node: ast.Constant) -> Value:
        return CONST

    def visit_JoinedStr(self, node: ast.JoinedStr) -> Value:
        self._children(node)
        return CONST

    visit_TemplateStr = _whole

    def visit_Compare(self, node: ast.Compare) -> Value:
        self.expr(node.left)
        self.expr(node.comparators[0])
        before = copied(self.state)
        for comparator in node.comparators[1:]:  # evaluated only while all before held
            self.expr(comparator)
        if len(node.comparators) > 1:
            self.state = before
        return FRESH

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Value:
        value = self.expr(node.operand)
        return CONST if value.const or isinstance(node.op, ast.Not) else FRESH

    def visit_BinOp(self, node: ast.BinOp) -> Value:
        operands, operators = _spine(node)
        values = [self.expr(operand) for operand in operands]
        if all(value.const for value in values):
            return CONST
        shares = any(isinstance(op, ast.Add | ast.Mult | ast.BitOr) for op in operators)
        return merged(values).indirect() if shares else FRESH

    def visit_BoolOp(self, node: ast.BoolOp) -> Value:
        first, *others = node.values
        values = [self.expr(first)]
        before = copied(self.state)
        values += [self.expr(other) for other in others]
        self.state = before  # the others may not have been evaluated
        return merged(values)

    def visit_IfExp(self, node: ast.IfExp) -> Value:
        when_true, when_false = self.condition(node.test)
        self.state = when_true
        body = self.expr(node.body)
        after_body, self.state = self.state, when_false
        orelse = self.expr(node.orelse)
        self.state = join(after_body, self.state)
        value = merged([body, orelse])
        value.const = body.const and orelse.const
        return value

    def visit_Name(self, node: ast.Name) -> Value:
        return self.load(node.id)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> Value:
        value = self.expr(node.value)
        frame = self.frame
        while frame.kind == "comprehension" and frame.parent:
            frame = frame.parent
        self.store(node.target.id, value, frame)
        return self._also(node.target.id, value, frame)

    def visit_Attribute(self, node: ast.Attribute) -> Value:
        dotted = self._dotted(node)
        if dotted:
            self.sink.calls.add(dotted)
        self._shell(node)
        return self._part(self.expr(node.value), f".{node.attr}")

    @staticmethod
    def _part(value: Value, step: str) -> Value:
        """A part of a value, as long as the value is known to be, or come from, a module."""
        if not value.origin:
            return value
        part = Value(value.names, value.carried, callees=value.callees, oneshot=value.oneshot)
        part.origin = value.origin + step
        return part

    def visit_Subscript(self, node: ast.Subscript) -> Value:
        value = self.expr(node.value)
        self.expr(node.slice)
        return value.item()

    def visit_Lambda(self, node: ast.Lambda) -> Value:
        defaults = self._defaults(node.args)
        sink = self._body(node.args, [node.body])
        names = defaults.indirect().names | sink.kept()
        return Value(names, (sink, *defaults.carried))

    def visit_Await(self, node: ast.Await) -> Value:
        return self.expr(node.value).indirect()

    def visit_Yield(self, node: ast.Yield) -> Value:
        self.sink.generator = True
        value = self.expr(node.value) if node.value else FRESH
        self.give(value)
        return value.indirect()

    def visit_YieldFrom(self, node: ast.YieldFrom) -> Value:
        self.sink.generator = True
        value = self.expr(node.value)
        self.give(value)
        return value.indirect()

    # ── conditions ───────────────────────────────────────────────────────────────────────

    def condition(self, node: ast.expr) -> tuple[State, State]:
        """Evaluate a test; the states in which it held and in which it did not."""
        if isinstance(node, ast.BoolOp):
            return self._bool_op(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            when_true, when_false = self.condition(node.operand)
            return when_false, when_true
        self.expr(node)
        if isinstance(node, ast.Constant):
            return (self.state, None) if node.value else (None, self.state)
        return self.state, copied(self.state)

    def _bool_op(self, node: ast.BoolOp) -> tuple[State, State]:
        conjunction = isinstance(node.op, ast.And)
        short: list[State] = []
        for operand in node.values:
            when_true, when_false = self.condition(operand)
            short.append(copied(when_false if conjunction else when_true))
            self.state = when_true if conjunction else when_false
        going, stopped = self.state, join(*short)
        return (going, stopped) if conjunction else (stopped, going)

    # ── comprehensions ───────────────────────────────────────────────────────────────────

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp) -> Value:
        return self._comprehension(node.generators, [node.elt])

    visit_SetComp = visit_ListComp

    def visit_DictComp(self, node: ast.DictComp) -> Value:
        return self._comprehension(node.generators, [node.key, node.value])

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> Value:
        first = self.expr(node.generators[0].iter)
        frame = self.frame
        inner: list[Value] = []
        sink = self._in_sink(
            lambda: inner.append(self._clauses(node.generators, [node.elt], first))
        )
        self.frame = frame
        if self.sink is self.cell:
            self.run([sink])
        value = merged([first, *inner])
        carried = (sink, *value.carried)
        names = sink.kept() | value.names
        return Value(names, carried, callees=value.callees, oneshot=True)

    def _comprehension(self, clauses: list[ast.comprehension], parts: list[ast.expr]) -> Value:
        first = self.expr(clauses[0].iter)
        before, frame = copied(self.state), self.frame
        value = self._clauses(clauses, parts, first)
        self.state, self.frame = before, frame
        return value

    def _clauses(
        self, clauses: list[ast.comprehension], parts: list[ast.expr], first: Value
    ) -> Value:
        """Everything of a comprehension but its first iterable, which the outer scope evaluates."""
        frame = self._push("comprehension")
        for clause in clauses:
            frame.bound.update(
                item.id
                for item in ast.walk(clause.target)
                if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
            )
        for number, clause in enumerate(clauses):
            value = self.expr(clause.iter) if number else first
            self.assign(clause.target, value.item())
            for test in clause.ifs:
                self.state = self.condition(test)[0]
        return merged([self.expr(part) for part in parts])

    # ── bodies that run later ────────────────────────────────────────────────────────────

    def _defaults(self, args: ast.arguments) -> Value:
        present = [*args.defaults, *(default for default in args.kw_defaults if default)]
        return merged([self.expr(default) for default in present])

    def _body(self, args: ast.arguments, body: Sequence[ast.AST], key: str = "") -> Sink:
        """Visit a body that runs later, in a scope of its own; `key` holds the function."""
        outer, frame = self.frame, self._push("function")
        frame.bound.update(frame.mangle(arg.arg) for arg in parameters(args))
        slots = _slots(args, frame)
        if key:
            self._shared_parameters(args, outer, frame, key)
        declare(frame, body)
        if isinstance(body[0], ast.expr):
            lone = body[0]
            sink = self._in_sink(lambda: self.give(self.expr(lone)))
        else:
            statements = [node for node in body if isinstance(node, ast.stmt)]
            sink = self._in_sink(lambda: self.block(statements))
        sink.slots, sink.scope = slots, frame.serial
        self.frame = outer
        return sink

    def _shared_parameters(self, args: ast.arguments, outer: Frame, frame: Frame, key: str) -> None:
        """A mutable default belongs to the function, and outlives its calls."""
        if outer.shared_state and parameters(args):
            self.share(frame.key(frame.mangle(parameters(args)[0].arg)), Value({outer.owner: True}))
        for arg, default in defaults_of(args):
            if not isinstance(default, ast.Constant):
                self.share(frame.key(frame.mangle(arg.arg)), Value({key: True}))

    def _in_sink(self, visit: Callable[[], object]) -> Sink:
        """Gather the effects of code that runs later; an outer function has them too."""
        outer, state, loops, classes = self.sink, self.state, self.loops, self.class_sinks
        done, skipped = self.done, self.skipped
        self.serial += 1
        sink = self.sink = Sink(self.serial)
        self.state, self.loops, self.class_sinks = set(), [], None
        self.done, self.skipped = set(), set()
        visit()
        self.sink, self.state, self.loops, self.class_sinks = outer, state, loops, classes
        self.done, self.skipped = done, skipped
        if classes is not None:
            classes.append(sink)
        if self._in_copy():
            sink.holds |= sink.reads
        if outer is not self.cell:
            outer.absorb(sink)
            outer.reads |= sink.reads
            outer.builtins |= sink.builtins
            outer.writes |= sink.writes
        return sink


def _slots(args: ast.arguments, frame: Frame) -> dict[str, str]:
    """The keys of a function's parameters, by position and by name; `*` takes the rest."""
    slots: dict[str, str] = {}
    for number, arg in enumerate([*args.posonlyargs, *args.args]):
        slots[str(number)] = slots[arg.arg] = frame.key(frame.mangle(arg.arg))
    for arg in args.kwonlyargs:
        slots[arg.arg] = frame.key(frame.mangle(arg.arg))
    for slot, rest in (("*", args.vararg), ("**", args.kwarg)):
        if rest:
            slots[slot] = frame.key(frame.mangle(rest.arg))
    return slots


def _spine(node: ast.BinOp) -> tuple[list[ast.expr], list[ast.operator]]:
    """The operands of `a + b + c…` in order: long sums must not recurse."""
    operands: list[ast.expr] = []
    operators: list[ast.operator] = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp):
        operands.append(left.right)
        operators.append(left.op)
        left = left.left
    return [left, *reversed(operands)], operators
