/** Bodies whose values Python must get as its own JSON parser would read them. */
export const JSON_BODIES: readonly string[] = [
  '{"order":42,"items":[{"sku":"A-1","count":2}],"note":null,"paid":true}',
  '{"name":"Zoë 🎉 \u2028","escaped":"\\ud83c\\udf89 \\u0000 \\"","lone":"\\ud83c"}',
  '{"id":9007199254740993,"more":-12345678901234567890123,"max":18446744073709551615}',
  '{"whole":1.0,"half":0.5,"tiny":5e-324,"zero":-0.0,"integer":-0,"large":1e300}',
  '{"2":"b","1":"a","__proto__":{"x":1},"":[]}',
  "{}",
  "[]",
  '""',
  "null",
  "[[[[[[[[[[{}]]]]]]]]]]",
  ` [ 1 ,\n"${"compressed ".repeat(1000)}" ] `,
];
