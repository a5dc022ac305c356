"""Judges pickles with Python's own tools.

Reads lines {"json": TEXT, "pickle": BASE64} from standard input. Each pickle must consist of instructions
that make data and nothing else, and must be what json.loads makes of the text: same types, same order of
keys, same zeros. With {"depth": NUMBER} instead of a text, which Python's JSON parser cannot read so deep, it
must be that many lists one in the other. Prints one line for each that is not.
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


def judge(case):
    pickled = base64.b64decode(case["pickle"])
    strange = {operation.name for operation, _, _ in pickletools.genops(pickled)} - DATA
    if strange:
        return f"instructions {strange}"
    value = pickle.loads(pickled)
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
