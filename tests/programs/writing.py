"""A hypothesis strategy that writes legal programs."""

from __future__ import annotations

from collections import ChainMap

from hypothesis import strategies as st

from programs.language import Block, Copy, If, Leave, Let, Loop, Program, Statement, leaves

# Kinds of blobs by their number of elements: one, three, any. Others are never read: those that the two branches
# leave in different shapes, and (but for the statement that follows) the positions of elements.
ONE, THREE, ANY, OTHER = "one", "three", "any", "other"

_NUMBERS = st.sampled_from([0.5, -1.0, 1.5, -0.75, 2.0])
_THRESHOLDS = st.sampled_from([0.37, -0.37, 1.37, -1.63, 2.63])
INPUTS = {"x": 1, "v": 3}


def feeds(count: int) -> st.SearchStrategy[list[dict[str, list[float]]]]:
    """Values for the inputs, several times."""
    number = st.integers(-12, 12).map(lambda n: n / 4 + 0.03)
    one = st.fixed_dictionaries({name: st.lists(number, min_size=n, max_size=n) for name, n in INPUTS.items()})
    return st.lists(one, min_size=count, max_size=count)


@st.composite
def programs(draw, *, dynamic: bool, endless: bool = True) -> Program:
    """dynamic: with sizes that depend on values. endless: with loops that only their condition ends."""
    writer = _Writer(draw, dynamic, endless)
    scope = ChainMap({"x": ONE, "v": THREE})
    body = (*writer.let(scope), *writer.block(scope, depth=3, in_loop=False, size=7))
    written = [name for name, kind in scope.items() if name not in INPUTS and kind != OTHER]
    outputs = draw(st.lists(st.sampled_from(written), min_size=1, max_size=3, unique=True))
    return Program(INPUTS, body, tuple(outputs))


Scope = ChainMap[str, str]


def _may_leave(statement: Statement) -> bool:
    """Whether it may leave the iteration of the loop around it."""
    if isinstance(statement, If):
        return any(map(_may_leave, (*statement.then, *statement.otherwise)))
    return isinstance(statement, Leave)


class _Writer:
    """Writes statements; scopes hold the kind of each blob that may be read."""

    def __init__(self, draw, dynamic: bool, endless: bool) -> None:
        self._draw, self._dynamic, self._endless = draw, dynamic, endless
        self._names: dict[str, str] = {}  # every name, with the kind that it had first
        self._counters: set[str] = set()  # of loops: nothing else may write them
        self._left = 30  # statements

    def _pick(self, options):
        return self._draw(st.sampled_from(list(options)))

    def _chance(self, of: int) -> bool:
        """Once in so many times; what shrinking prefers is False."""
        return self._draw(st.integers(0, of - 1)) == of - 1

    def block(self, scope: Scope, depth: int, in_loop: bool, size: int) -> Block:
        out: list[Statement] = []
        for _ in range(self._draw(st.integers(1, size))):
            if self._left <= 0 and out:
                break
            out += self._statement(scope, depth, in_loop)
            if isinstance(out[-1], Leave):  # statements after it would never run
                break
        return tuple(out)

    def _statement(self, scope: Scope, depth: int, in_loop: bool) -> list[Statement]:
        options = ["let", "let", "copy"]
        if depth:
            options += ["branch", "loop", "branch", "loop"]
        if in_loop:
            options.append("leave")
        which = self._pick(options)
        self._left -= 1
        if which == "let":
            return self.let(scope)
        if which == "copy":
            return self._copy(scope)
        if which == "branch":
            return self._branch(scope, depth - 1, in_loop)
        if which == "loop":
            return self._loop(scope, depth - 1)
        return self._leave(scope)

    # blobs

    def _of(self, scope: Scope, *kinds: str) -> str:
        return self._pick(sorted(name for name, kind in scope.items() if kind in kinds))

    def _fresh(self, scope: Scope, kind: str, *, used: bool = True) -> str:
        """A name that cannot be seen here. It may have been seen somewhere else, for the same kind of blob where shapes
        do not depend on values: blobs of one name and two shapes are too much for a compiled loop around both."""
        if used and self._chance(3):
            old = [name for name, k in self._names.items() if name not in scope and (self._dynamic or k == kind)]
            if old:
                return self._pick(old)
        name = f"b{len(self._names)}"
        self._names[name] = kind
        return name

    def _new(self, scope: Scope, kind: str, operation: str, *arguments: str, number: float = 0.0) -> Let:
        let = Let(self._fresh(scope, kind), operation, arguments, number)
        scope[let.name] = kind
        return let

    def let(self, scope: Scope) -> list[Statement]:
        dynamic = ["join", "fill", "range", "take", "tail", "sum", "length", "any"] if self._dynamic else []
        which = self._pick(["constant", "one", "two", "compare", "logic", "choose", "reduce", *dynamic])
        if which == "constant":
            kind = self._pick([ONE, THREE])
            name = "constant" if kind == ONE else "triple"
            return [self._new(scope, kind, name, number=self._draw(_NUMBERS))]
        if which == "one":
            name = self._of(scope, ONE, THREE)
            return [self._function(scope, name)]
        if which == "any":
            return [self._function(scope, self._of(scope, ONE, THREE, ANY))]
        if which == "two":
            return [self._pair(scope, self._pick(["add", "subtract", "multiply", "larger"]))]
        if which == "compare":
            return [self._compare(scope)]
        if which == "logic":
            operation = self._pick(["and", "or", "not"])
            inputs = [self._of(scope, ONE) for _ in range(1 if operation == "not" else 2)]
            return [self._new(scope, ONE, operation, *inputs)]
        if which == "choose":
            names = [self._of(scope, ONE, THREE) for _ in range(3)]
            kind = THREE if THREE in [scope[name] for name in names] else ONE
            return [self._new(scope, kind, "choose", *names)]
        if which == "reduce":
            return [self._new(scope, ONE, self._pick(["sum", "length"]), self._of(scope, THREE))]
        if which in ("sum", "length"):
            return [self._new(scope, ONE, which, self._of(scope, ONE, THREE, ANY))]
        if which == "join":
            names = [self._of(scope, ONE, THREE, ANY) for _ in range(2)]
            return [self._new(scope, ANY, "join", *names)]
        if which == "take":
            name = self._of(scope, THREE, ANY)
            places = self._new(scope, OTHER, "positions", name)
            return [places, self._new(scope, ANY, "take", name, places.name)]
        size = self._size(scope)
        last = size[-1].name
        if which == "tail":
            return [*size, self._new(scope, ANY, "tail", self._of(scope, THREE, ANY), last)]
        return [*size, self._new(scope, ANY, which, last, number=self._draw(_NUMBERS) if which == "fill" else 0.0)]

    def _function(self, scope: Scope, name: str) -> Let:
        operation = self._pick(["plus", "times", "tanh", "sin", "size"])
        number = self._draw(_NUMBERS) if operation in ("plus", "times") else 0.0
        return self._new(scope, scope[name], operation, name, number=number)

    def _pair(self, scope: Scope, operation: str) -> Let:
        one = self._of(scope, ONE, THREE, *([ANY] if self._dynamic else []))
        other = self._of(scope, ONE) if scope[one] == ANY else self._of(scope, ONE, THREE)
        kind = next(kind for kind in (ANY, THREE, ONE) if kind in (scope[one], scope[other]))
        return self._new(scope, kind, operation, *self._pick([(one, other), (other, one)]))

    def _compare(self, scope: Scope) -> Let:
        operation = self._pick(["above", "below", "less"])
        if operation == "less":
            return self._new(scope, ONE, "less", self._of(scope, ONE), self._of(scope, ONE))
        return self._new(scope, ONE, operation, self._of(scope, ONE), number=self._draw(_THRESHOLDS))

    def _size(self, scope: Scope) -> list[Let]:
        """An integer from 0 to 4, made from a value."""
        limited = self._new(scope, ONE, "limited", self._of(scope, ONE), number=4.0)
        return [limited, self._new(scope, ONE, "floor", limited.name)]

    def _copy(self, scope: Scope) -> list[Statement]:
        """Into an outer blob where there is one, or into a new one."""
        source = self._of(scope, ONE, THREE, *([ANY] if self._dynamic else []))
        kind = scope[source]
        fits = [n for n, k in scope.items() if k in (kind, ANY) and n not in {source, *INPUTS, *self._counters}]
        if fits and not self._chance(4):
            return [Copy(source, self._pick(sorted(fits)))]
        kind = ANY if self._dynamic and kind != ANY and self._chance(3) else kind
        name = self._fresh(scope, kind)
        scope[name] = kind
        return [Copy(source, name)]

    # control

    def _predicate(self, scope: Scope) -> tuple[list[Statement], str]:
        if self._chance(4):
            return [], self._of(scope, ONE)
        let = self._compare(scope)
        return [let], let.name

    def _branch(self, scope: Scope, depth: int, in_loop: bool) -> list[Statement]:
        before, predicate = self._predicate(scope)
        inner = scope.new_child(), scope.new_child()
        then = self.block(inner[0], depth, in_loop, 3)
        otherwise = self.block(inner[1], depth, in_loop, 3) if self._draw(st.booleans()) else ()
        if otherwise and self._draw(st.booleans()):  # both branches make a blob of the same name
            kind = self._pick([ONE, THREE, *([ANY] if self._dynamic else [])])
            name = self._fresh(scope, kind, used=False)
            sides = []
            for block, names in zip((then, otherwise), inner, strict=True):
                kinds = [ONE, THREE, ANY] if kind == ANY else [kind]
                let = Let(name, self._pick(["plus", "times"]), (self._of(names, *kinds),), self._draw(_NUMBERS))
                names[name] = kind
                sides.append((let, *block) if let.arguments[0] in scope and self._chance(3) else (*block, let))
            then, otherwise = sides
        self._seen_after_sides(scope, inner, then, otherwise)
        return [*before, If(predicate, then, otherwise)]

    def _leave(self, scope: Scope) -> list[Statement]:
        leave = Leave(self._pick(["continue", "break"]))
        if self._chance(8):
            return [leave]
        before, predicate = self._predicate(scope)
        inner = scope.new_child(), scope.new_child()
        side = (*(self._copy(inner[0]) if self._draw(st.booleans()) else []), leave)
        other = tuple(self.let(inner[1])) if self._chance(3) else ()
        self._seen_after_sides(scope, inner, side, other)
        if other and self._draw(st.booleans()):
            return [*before, If(predicate, other, side)]
        return [*before, If(predicate, side, other)]

    def _loop(self, scope: Scope, depth: int) -> list[Statement]:
        kinds = ["iterations", "count", "while", "bounded while", "counted while"]
        which = self._pick(kinds)
        before: list[Statement] = []
        count, most = None, self._draw(st.integers(1, 3))
        if which in ("count", "counted while"):
            size: list[Let] = [] if self._chance(4) else self._size(scope)
            before += size
            count = size[-1].name if size else self._of(scope, ONE)
            most = self._draw(st.sampled_from([0, 2]))
        if "while" not in which:
            inner, outside = scope.new_child(), set(scope)
            body = self.block(inner, depth, True, 4)
            self._seen_after(scope, inner, body)
            # what every iteration makes exists afterwards, if there is one; what is behind a possible leave may not
            sure = 0 if count is not None else next((i for i, each in enumerate(body) if _may_leave(each)), len(body))
            scope.update((name, OTHER) for name in leaves(body) - leaves(body[:sure]) if name not in outside)
            return [*before, Loop(body, count, most)]
        counter = variable = None
        if which == "while":
            most = 0 if self._endless else 6
            zero = self._new(scope, ONE, "constant", number=0.0)
            counter = self._fresh(scope, ONE)
            scope[counter] = ONE
            self._counters.add(counter)
            before += [zero, Copy(zero.name, counter)]
        checked = scope.new_child()
        condition = list(self.block(checked, 0, False, 2)) if self._chance(2) else []
        if counter is not None:
            go = self._new(checked, ONE, "below", counter, number=self._pick([0.5, 1.5, 3.5]))
            condition.append(go)
            variable = go.name
        if variable is None or self._draw(st.booleans()):
            before_it, predicate = self._predicate(checked)
            condition += before_it
            if not before_it:  # the condition itself makes its variable
                condition.append(self._new(checked, ONE, "above", predicate, number=0.37))
                predicate = condition[-1].name
            if variable is not None:
                condition.append(self._new(checked, ONE, "and", variable, predicate))
                predicate = condition[-1].name
            variable = predicate
        inner = checked.new_child()
        first: list[Statement] = []
        if counter is not None:
            more = self._new(inner, ONE, "plus", counter, number=1.0)
            first = [more, Copy(more.name, counter)]
        body = (*first, *self.block(inner, depth, True, 4))
        self._seen_after(scope, checked, tuple(condition))
        return [*before, Loop(body, count, most, tuple(condition), variable)]

    def _seen_after(self, scope: Scope, inner: Scope, block: Block) -> None:
        for name in sorted(leaves(block)):
            if name not in scope:
                scope[name] = inner[name]

    def _seen_after_sides(self, scope: Scope, inner: tuple[Scope, Scope], then: Block, otherwise: Block) -> None:
        for name in sorted(leaves(then) & leaves(otherwise)):
            if name not in scope:
                kinds = inner[0][name], inner[1][name]
                readable = OTHER not in kinds and self._dynamic
                scope[name] = kinds[0] if kinds[0] == kinds[1] else ANY if readable else OTHER
