"""Judges with Python's own tools whether values have arrived in Python as they should.

Reads a JSON object a line. Each has the value that arrived: as a "pickle" in Base64, which must consist of
instructions that make data and call nothing but json.loads of a text, or as the JSON that Python has "recorded" it
as. And it says
what the value must be: what json.loads makes of the text "json", with the same types, the same order of keys
and the same zeros; or "depth" lists one in the other, for what is nested deeper than Python's JSON parser can
follow. Prints a line for each value that is not so, and at the end how many there were.
"""

import base64
import json
import pickle
import pickletools
import struct
import sys

DATA = {
    "PROTO", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT1", "BININT", "LONG1", "LONG4",
    "BINFLOAT", "SHORT_BINUNICODE", "BINUNICODE", "BINBYTES", "EMPTY_LIST", "APPENDS", "EMPTY_DICT",
    "SETITEMS", "TUPLE",
}

# Only together and in this order: the function, its text, and the call.
CALL = [("GLOBAL", "json loads"), ("BINUNICODE8", None), ("TUPLE1", None), ("REDUCE", None)]


def difference(expected, actual):
    """The first difference, or None. Without recursion: nesting may be deeper than Python's stack."""
    pairs = [(expected, actual)]
    while pairs:
        left, right = pairs.pop()
        if type(left) is not type(right):
            return f"{type(left)} became {type(right)}"
        if isinstance(left, dict):
            if list(left) != list(right):
                return f"keys {list(left)} became {list(right)}"
            pairs.extend((left[key], right[key]) for key in left)
        elif isinstance(left, list):
            if len(left) != len(right):
                return f"{len(left)} items became {len(right)}"
            pairs.extend(zip(left, right))
        elif isinstance(left, float):
            if struct.pack("d", left) != struct.pack("d", right):
                return f"{left!r} became {right!r}"
        elif left != right:
            return f"{left!r} became {right!r}"
    return None


def depth_of(value):
    depth = 0
    while value != []:
        (value,) = value
        depth += 1
    return depth + 1


def arrived(case):
    if "recorded" in case:
        return json.loads(case["recorded"]), set()
    pickled = base64.b64decode(case["pickle"])
    return pickle.loads(pickled), strange_instructions(pickled)


def strange_instructions(pickled):
    """Names of the instructions that do more than make data and call json.loads."""
    operations = [(operation.name, argument) for operation, argument, _ in pickletools.genops(pickled)]
    strange = set()
    at = 0
    while at < len(operations):
        called = operations[at:at + len(CALL)]
        is_call = len(called) == len(CALL) and all(
            name == expected and wanted in (None, argument)
            for (name, argument), (expected, wanted) in zip(called, CALL)
        )
        if not is_call and operations[at][0] not in DATA:
            strange.add(operations[at][0])
        at += len(CALL) if is_call else 1
    return strange


def judge(case):
    value, strange = arrived(case)
    if strange:
        return f"instructions {strange}"
    if "depth" in case:
        return difference(case["depth"], depth_of(value))
    return difference(json.loads(case["json"]), value)


if __name__ == "__main__":
    count = 0
    for line in sys.stdin:
        case = json.loads(line)
        problem = judge(case)
        if problem is not None:
            shown = f"{case.get('json', case.get('depth'))!r:.300}: {problem}"
            print(shown.encode("ascii", "backslashreplace").decode())
        count += 1
    print(f"{count} judged")
