"""Vectors of 64 bytes for compiled kernels: sixteen floats or eight doubles that are loaded, added and stored at once.

The compiler vectorises simple loops by itself, but not dependably, and leaves the ends of short lines to slow scalar loops. The
lines of a bone are short. With these every operation of a kernel is one of the processor's, or a few where it has none so wide.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel.models import PrimitiveModel
from numba.extending import lower_builtin, register_model, type_callable

from culmann_fem.kernels import part

intrinsic: Any = numba.extending.intrinsic  # which makes of a function one with other arguments

_BYTES = 64
_FLAGS = ("contract", "nsz")


class Vector(types.Type):
    """The type of a vector, as numba sees it."""

    def __init__(self, element: Any) -> None:
        self.element = element
        self.lanes = 8 * _BYTES // element.bitwidth
        super().__init__(name=f"Vector({element})")


@register_model(Vector)
class _Model(PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        element = ir.FloatType() if fe_type.element.bitwidth == 32 else ir.DoubleType()
        super().__init__(dmm, fe_type, ir.VectorType(element, fe_type.lanes))


def _pointer(context: Any, builder: Any, array: Any, given: Any, wide: Any) -> Any:
    """Of vectors as wide as that, from an array and an index as they are given."""
    place = context.make_array(array)(context, builder, given[0]).data
    return builder.bitcast(builder.gep(place, [given[1]]), wide.as_pointer())


@intrinsic
def load(typingctx: Any, array: Any, index: Any) -> Any:
    """The vector that begins at a place of an array that is written down without gaps, whatever its shape."""
    vector = Vector(array.dtype)

    def code(context: Any, builder: Any, _: Any, given: Any) -> Any:
        wide = context.get_value_type(vector)
        return builder.load(_pointer(context, builder, array, given, wide), align=array.dtype.bitwidth // 8)

    return vector(array, index), code


@intrinsic
def store(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """Write a vector to a place of such an array."""

    def code(context: Any, builder: Any, _: Any, given: Any) -> Any:
        wide = context.get_value_type(value)
        at = _pointer(context, builder, array, given, wide)
        builder.store(given[2], at, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, index, value), code


@intrinsic
def fetch(typingctx: Any, array: Any, index: Any) -> Any:
    """Ask for what stands at a place of a flat array to be brought into the cache; there need not be anything."""

    def code(context: Any, builder: Any, _: Any, given: Any) -> Any:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        ask = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        at = builder.gep(context.make_array(array)(context, builder, given[0]).data, [given[1]])
        builder.call(ask, [builder.bitcast(at, byte), number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, index), code


@intrinsic
def load_double(typingctx: Any, array: Any, index: Any) -> Any:
    """The doubles that begin at a place of a flat array of floats."""
    vector = Vector(types.float64)

    def code(context: Any, builder: Any, _: Any, given: Any) -> Any:
        narrow = ir.VectorType(ir.FloatType(), vector.lanes)
        short = builder.load(_pointer(context, builder, array, given, narrow), align=4)
        return builder.fpext(short, context.get_value_type(vector))

    return vector(array, index), code


@intrinsic
def store_single(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """Write a vector of doubles to a flat array of floats, rounded."""

    def code(context: Any, builder: Any, _: Any, given: Any) -> Any:
        narrow = ir.VectorType(ir.FloatType(), value.lanes)
        at = _pointer(context, builder, array, given, narrow)
        builder.store(builder.fptrunc(given[2], narrow), at, align=4)
        return context.get_dummy_value()

    return types.void(array, index, value), code


@intrinsic
def total(typingctx: Any, vector: Any) -> Any:
    """The sum of the numbers of a vector."""

    def code(context: Any, builder: Any, _: Any, given: Any) -> Any:
        part, left = given[0], vector.lanes
        while left > 1:
            left //= 2
            low, high = (_picked(part, part, range(at, at + left), builder) for at in (0, left))
            part = builder.fadd(low, high)
        return builder.extract_element(part, ir.Constant(ir.IntType(32), 0))

    return vector.element(vector), code


@intrinsic
def spread(typingctx: Any, value: Any) -> Any:
    """A vector that has the same number everywhere."""
    vector = Vector(value)

    def code(context: Any, builder: Any, _: Any, given: Any) -> Any:
        wide = context.get_value_type(vector)
        one = builder.insert_element(ir.Constant(wide, ir.Undefined), given[0], ir.Constant(ir.IntType(32), 0))
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), vector.lanes), [0] * vector.lanes)
        return builder.shuffle_vector(one, ir.Constant(wide, ir.Undefined), lanes)

    return vector(value), code


def _picked(first: Any, second: Any, numbers: Iterable[int], builder: Any) -> Any:
    """The vector of these of the numbers of two vectors, which are counted one behind the other."""
    lanes = list(numbers)
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes))


def _window(first: Any, at: int, builder: Any, given: Any) -> Any:
    return _picked(given[0], given[1], range(at, at + first.lanes), builder)


@intrinsic
def in_turns(typingctx: Any, first: Any, second: Any) -> Any:
    """The first number of one vector, the first of another, the second of one, and so on: of the front half of each."""

    def code(_: Any, builder: Any, __: Any, given: Any) -> Any:
        numbers = (n for pair in zip(range(first.lanes // 2), range(first.lanes, 2 * first.lanes), strict=False) for n in pair)
        return _picked(given[0], given[1], numbers, builder)

    return first(first, second), code


@intrinsic
def load_nine(typingctx: Any, array: Any, index: Any) -> Any:
    """Nine floats of a flat array, and zeros. So many as a vector has are read."""
    vector = Vector(array.dtype)

    def code(context: Any, builder: Any, _: Any, given: Any) -> Any:
        wide = context.get_value_type(vector)
        read = builder.load(_pointer(context, builder, array, given, wide), align=array.dtype.bitwidth // 8)
        keep = ir.Constant(ir.VectorType(ir.IntType(1), vector.lanes), [n < 9 for n in range(vector.lanes)])
        return builder.select(keep, read, ir.Constant(wide, [0.0] * vector.lanes))

    return vector(array, index), code


@intrinsic
def from_last(typingctx: Any, first: Any, second: Any) -> Any:
    """The last of one vector, followed by all but the last of the one behind it."""
    return first(first, second), lambda _, builder, __, given: _window(first, first.lanes - 1, builder, given)


@intrinsic
def from_second(typingctx: Any, first: Any, second: Any) -> Any:
    """All but the first of one vector, followed by the first of the one behind it."""
    return first(first, second), lambda _, builder, __, given: _window(first, 1, builder, given)


def _arithmetic(sign: Any, name: str) -> None:
    """Of two vectors; said to the compiler as what it is, not as a function that would have to be compiled."""

    @type_callable(sign)
    def _(context: Any) -> Any:
        return lambda a, b: a if isinstance(a, Vector) and a == b else None

    @lower_builtin(sign, Vector, Vector)
    def _(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return getattr(builder, name)(*given, flags=_FLAGS)


for _sign, _name in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul")):
    _arithmetic(_sign, _name)


@intrinsic
def lanes(typingctx: Any, array: Any) -> Any:
    """How many numbers a vector of those of an array has."""
    number = Vector(array.dtype).lanes
    return types.int64(array), lambda *_: ir.Constant(ir.IntType(64), number)


@part
def zeros(count: Any, like: Any) -> Any:
    """A flat array of so many zeros, of the kind of another, that begins where a vector may."""
    room = np.zeros(count + _BYTES // like.itemsize, dtype=like.dtype)
    skip = (_BYTES - np.int64(room.ctypes.data) % _BYTES) % _BYTES // like.itemsize
    return room[skip : skip + count]
