import type { InputWorld } from "./input_world.ts";

/** One input, and what is right. */
export interface Input {
  readonly name: string;
  /** What is sent or configured, for people. */
  readonly sent: string;
  /** What {@linkcode see} must return. */
  readonly right: string;
  /** Sends the input, and says in the words of `right` what is seen at the public door. */
  see(world: InputWorld): Promise<string>;
}

/** An input, and what was seen. */
export interface Row extends Pick<Input, "name" | "sent" | "right"> {
  readonly seen: string;
}

const encoder = new TextEncoder();

/** Sends the inputs one after the other, and prints a row for each. What fails is seen as its error. */
export async function runInputs(inputs: readonly Input[], world: InputWorld): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { name, sent, right, see } of inputs) {
    const seen = await see(world).catch((error: unknown) => `failed: ${error}`);
    rows.push({ name, sent, right, seen });
  }
  Deno.stdout.writeSync(encoder.encode(`\n${format(rows)}\n`));
  return rows;
}

function format(rows: readonly Row[]): string {
  const columns = ["name", "sent", "right", "seen"] as const;
  const head: Record<typeof columns[number], string> = {
    name: "input",
    sent: "sent",
    right: "right",
    seen: "seen",
  };
  const lines = [head, ...rows];
  const widths = columns.map((column) => Math.max(...lines.map((line) => line[column].length)));
  return lines.map((line) =>
    columns.map((column, index) => line[column].padEnd(widths[index]!)).join(" | ").trimEnd()
  )
    .join("\n");
}
