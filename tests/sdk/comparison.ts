// deno-lint-ignore-file no-console -- prints its results for people
/**
 * Asks SDKs and gateway the same questions, and counts where their answers differ.
 *
 * @module
 */

import { accepts, type SignatureCase } from "../support/signatures/cases.ts";
import type { Question } from "./asker/adapter.ts";
import { adapters } from "./asker/adapters.ts";
import { stricter, type StricterRule } from "./differences.ts";
import type { Draw } from "./fresh/draw.ts";
import { type FreshQuestion, freshQuestions } from "./fresh/questions.ts";
import type { SdkProcess } from "./sdk_process.ts";

/** What was found of one preset. */
interface Row {
  readonly preset: string;
  readonly package: string;
  cases: number;
  differences: number;
  stricter: number;
}

/** Most differences that are printed of one preset. */
const MOST_PRINTED = 5;

/** Asks both sides, and keeps count. */
export class Comparison {
  readonly #sdks: SdkProcess;
  readonly #rows = new Map<string, Row>();
  readonly #uses = new Map<StricterRule, number>();

  constructor(sdks: SdkProcess) {
    this.#sdks = sdks;
  }

  async compareRecorded(preset: string, cases: readonly SignatureCase[]): Promise<void> {
    for (const each of cases) {
      const sdk = await this.#askSdk(each);
      const gateway = await askGateway(each);
      this.#count(preset, sdk === each.valid && gateway === each.valid, each.why, { sdk, gateway });
    }
  }

  async compareFresh(
    preset: string,
    cases: readonly SignatureCase[],
    draw: Draw,
    rounds: number,
  ): Promise<void> {
    const template = cases.find(({ valid, why }) => valid && why === "signed as documented") ??
      cases.find(({ valid }) => valid);
    if (template === undefined) throw new TypeError(`No request of ${preset} is recorded`);
    const now = Math.floor(Date.now() / 1000);
    for (let round = 0; round < rounds; round++) {
      for (const fresh of await freshQuestions(template, draw, now)) await this.#compareOne(preset, fresh);
    }
  }

  async #compareOne(preset: string, { change, body, question, sdkConfigs }: FreshQuestion): Promise<void> {
    let sdk = false;
    for (const config of sdkConfigs ?? [question.config]) {
      sdk = await this.#askSdk({ ...question, config }) || sdk;
    }
    const gateway = await askGateway(question);
    const rule = sdk && !gateway
      ? stricter.find((each) => each.change === change && (each.presets?.includes(preset) ?? true))
      : undefined;
    if (rule === undefined) {
      this.#count(preset, sdk === gateway, `${change}, a body ${body}`, { sdk, gateway });
      return;
    }
    this.#uses.set(rule, (this.#uses.get(rule) ?? 0) + 1);
    const row = this.#rowOf(preset);
    row.cases++;
    row.stricter++;
  }

  async #askSdk({ preset, config, now, request }: Question): Promise<boolean> {
    return (await this.#sdks.ask({ preset, config, now, request })).verdict !== "refused";
  }

  #count(preset: string, agrees: boolean, what: string, answers: Readonly<Record<string, boolean>>): void {
    const row = this.#rowOf(preset);
    row.cases++;
    if (agrees) return;
    if (row.differences++ < MOST_PRINTED) {
      const said = Object.entries(answers).map(([side, accepted]) =>
        `${side} ${accepted ? "takes" : "refuses"} it`
      );
      console.log(`DIFFERENCE ${preset}: ${what}: ${said.join(", ")}`);
    }
  }

  #rowOf(preset: string): Row {
    let row = this.#rows.get(preset);
    if (row === undefined) {
      row = { preset, package: adapters[preset]!.package, cases: 0, differences: 0, stricter: 0 };
      this.#rows.set(preset, row);
    }
    return row;
  }

  /** Prints what was found. Returns the exit status. */
  report(): number {
    const rows = [...this.#rows.values()];
    const sum = (figure: "cases" | "differences" | "stricter") =>
      rows.reduce((total, row) => total + row[figure], 0);
    const header = ["preset", "package", "version", "cases", "differences", "stricter"];
    const lines = rows.map((row) => {
      const at = row.package.lastIndexOf("@");
      const figures = [row.cases, row.differences, row.stricter].map(String);
      return [row.preset, row.package.slice(0, at), row.package.slice(at + 1), ...figures];
    });
    console.log(table([header, ...lines]));
    console.log(`\nThe gateway is stricter:`);
    for (const [rule, count] of this.#uses) {
      console.log(`  ${count} x ${rule.change} (${rule.presets?.join(", ") ?? "any"}): ${rule.reason}`);
    }
    const packages = new Set(rows.map((row) => row.package)).size;
    console.log(`\n${packages} packages, ${rows.length} presets, ${sum("stricter")} stricter`);
    console.log(`${sum("cases") - sum("differences")} passed, ${sum("differences")} failed`);
    return sum("differences") === 0 ? 0 : 1;
  }
}

async function askGateway({ preset, config, now, request }: Question): Promise<boolean> {
  return await accepts({ preset, config, now, request, valid: true, why: "" }, request, now);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd())
    .join("\n");
}
