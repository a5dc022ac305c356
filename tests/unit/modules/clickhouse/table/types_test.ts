import { assertEquals } from "@std/assert";
import {
  holdsJsonObject,
  holdsName,
  holdsSomeBodies,
  holdsText,
  timeFormOf,
} from "../../../../../src/modules/clickhouse/table/types.ts";

Deno.test("a time is written in the form that its column's type takes", () => {
  const forms = {
    seconds: [
      ...[
        "DateTime",
        "DateTime('UTC')",
        "DateTime('Asia/Tokyo')",
        "Nullable(DateTime)",
        "UInt32",
        "UInt64",
        "Int64",
      ],
      ...[
        "LowCardinality(Nullable(DateTime('UTC')))",
        "SimpleAggregateFunction(max, DateTime('Europe/Berlin'))",
      ],
      ...["Nullable(Int64)", "Int128", "UInt256", "Decimal(10, 0)", "Variant(DateTime, UInt8)"],
    ],
    milliseconds: [
      ...[
        "DateTime64(3)",
        "DateTime64(9, 'UTC')",
        "DateTime64(0)",
        "Nullable(DateTime64(6, 'America/New_York'))",
      ],
      ...["Float64", "Decimal(18, 3)", "Decimal(38, 9)", "Variant(String, DateTime64(3, 'UTC'))"],
    ],
    date: [
      "Date",
      "Date32",
      "Nullable(Date)",
      "LowCardinality(Date)",
      "SimpleAggregateFunction(anyLast, Nullable(Date))",
    ],
    iso: [
      "String",
      "LowCardinality(String)",
      "FixedString(24)",
      "FixedString(30)",
      "Dynamic",
      "Variant(String, UInt8)",
    ],
  };
  for (const [form, types] of Object.entries(forms)) {
    for (const type of types) assertEquals(timeFormOf(type), form, type);
  }
});

Deno.test("a time is written into no column that cannot hold it as it is", () => {
  const types = [
    ...[
      "UInt8",
      "Int8",
      "UInt16",
      "Int16",
      "Int32",
      "Float32",
      "Bool",
      "UUID",
      "IPv4",
      "Time",
      "Time64(3)",
      "Nothing",
    ],
    ...[
      "FixedString(23)",
      "Decimal(9, 0)",
      "Decimal(12, 3)",
      "Decimal(18, 2)",
      "Enum8('DateTime' = 1)",
      "JSON",
    ],
    ...[
      "Array(DateTime)",
      "Map(String, DateTime)",
      "Tuple(DateTime, UInt8)",
      "AggregateFunction(max, DateTime)",
    ],
    ...[
      "Nullable(Enum16('a), DateTime' = 1))",
      "Interval",
      "Variant(UInt8, Date)",
      "",
      "something new(DateTime)",
    ],
  ];
  for (const type of types) assertEquals(timeFormOf(type), undefined, type);
});

Deno.test("texts need a column of text that is long enough, and names may be enumerated", () => {
  for (
    const type of [
      "String",
      "Nullable(String)",
      "LowCardinality(String)",
      "FixedString(40)",
      "Dynamic",
      "Variant(String, UInt8)",
    ]
  ) {
    assertEquals([holdsText(type, 40), holdsName(type, 40)], [true, true], type);
  }
  for (const type of ["Enum8('orders' = 1)", "Nullable(Enum16('a' = -1))"]) {
    assertEquals([holdsText(type, 40), holdsName(type, 40)], [false, true], type);
  }
  for (const type of ["FixedString(39)", "UUID", "UInt64", "Array(String)", "Map(String, String)"]) {
    assertEquals([holdsText(type, 40), holdsName(type, 40)], [false, false], type);
  }
});

Deno.test("headers need a column that holds a JSON object, and bodies one that holds some of them", () => {
  for (
    const type of ["String", "LowCardinality(String)", "JSON", "JSON(max_dynamic_paths=10)", "Object('json')"]
  ) {
    assertEquals([holdsJsonObject(type), holdsSomeBodies(type)], [true, true], type);
  }
  for (const type of ["UInt64", "Array(String)", "FixedString(100)", "Tuple(a String)"]) {
    assertEquals([holdsJsonObject(type), holdsSomeBodies(type)], [false, true], type);
  }
  for (
    const type of ["Map(String, String)", "AggregateFunction(count)", "Dynamic", "Variant(String, JSON)"]
  ) {
    assertEquals([holdsJsonObject(type), holdsSomeBodies(type)], [false, false], type);
  }
});
