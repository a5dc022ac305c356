/**
 * The licences of the packages, as a table for the page, and which ones are permitted.
 *
 * @module
 */

import type { Package } from "./packages.ts";

/** Licences that ask for nothing but their own text to be kept. */
const PERMITTED = ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "Unlicense"];

/** Packages whose licence has to be looked at before they are used. */
export function unknownLicences(packages: readonly Package[]): readonly string[] {
  return packages
    .filter(({ licence }) => {
      const names = licence.split(/[\s()]+/).filter((word) => word !== "" && word !== "AND" && word !== "OR");
      return names.length === 0 || names.some((name) => !PERMITTED.includes(name));
    })
    .map(({ name, version, licence }) => `${name}@${version}: ${licence === "" ? "no licence" : licence}`);
}

/** A table of the packages and their licences, in the form that `deno fmt` gives it. */
export function licenceTable(packages: readonly Package[]): string {
  const rows = [
    ["package", "version", "licence"],
    ...packages.map(({ name, version, licence }) => [`\`${name}\``, version, licence]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[], fill = " ") =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!, fill)).join(" | ")} |`;
  const [head = [], ...others] = rows;
  return [line(head), line(["", "", ""], "-"), ...others.map((row) => line(row))].join("\n");
}
