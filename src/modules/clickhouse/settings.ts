/**
 * Settings of ClickHouse that inserts are sent with, whatever the user's profile says, as far as the server knows
 * them and lets the user change them.
 *
 * @module
 */

/** A row of `system.settings`. */
export interface ServerSetting {
  readonly value: string;
  /** Whether the user may not change it. */
  readonly isPinned: boolean;
  /** Smallest and largest value that the user may choose, if there is one. */
  readonly min: string | undefined;
  readonly max: string | undefined;
}

/** What inserts into a table are sent with. */
export interface InsertSettings {
  /** By their names. */
  readonly sent: Readonly<Record<string, string>>;
  /** Whether the server can tell a repeated insert by its token. */
  readonly takesToken: boolean;
  /** Partitions that the rows of one insert may belong to; left out where that is not limited. */
  readonly maxPartitions?: number;
  /** What is fixed otherwise and loses or changes events, one sentence for each setting. */
  readonly problems: readonly string[];
  /** What is fixed otherwise and does no harm to events, one sentence for each setting. */
  readonly remarks: readonly string[];
}

/** The setting that carries the token; in servers since 2022. */
export const TOKEN_SETTING = "insert_deduplication_token";

const PARTITIONS_SETTING = "max_partitions_per_insert_block";

/** What a setting must be, and what it does to events when it is fixed otherwise. */
interface FixedSetting {
  readonly value: string;
  readonly harm: string;
  /** Whether events are lost by it, or cannot be inserted. */
  readonly isGrave?: boolean;
  /** Whether this value is as good: nothing is said about it. */
  readonly isAsGood?: (value: string) => boolean;
}

/**
 * An insert that another insert is merged into has no identity of its own, a bad row must be reported, not skipped,
 * and rows are read as they were written. Times are written so that the other formats read them alike.
 */
const FIXED_SETTINGS: Readonly<Record<string, FixedSetting>> = {
  async_insert: { value: "0", harm: "repeated inserts are not recognised, and rows come twice" },
  date_time_input_format: {
    value: "basic",
    harm: "times may be read as others",
    isAsGood: (value) => ["basic", "best_effort", "best_effort_us"].includes(value),
  },
  input_format_allow_errors_num: { value: "0", harm: "rows that do not fit are lost", isGrave: true },
  input_format_allow_errors_ratio: { value: "0", harm: "rows that do not fit are lost", isGrave: true },
  input_format_tsv_skip_first_lines: { value: "0", harm: "the first rows are lost", isGrave: true },
  format_tsv_null_representation: { value: "\\N", harm: "bodies of that text become NULL or a default" },
  input_format_tsv_empty_as_default: { value: "0", harm: "empty bodies become the column's default" },
  input_format: {
    value: "",
    harm: "rows are read in another format than they are written in",
    isGrave: true,
  },
};

/** Sent where `async_insert` cannot be turned off: an insert is confirmed when it has happened. */
const WAITING: FixedSetting = {
  value: "1",
  harm: "inserts are confirmed before they have happened",
  isGrave: true,
};
const WAITING_SETTING = "wait_for_async_insert";

/** The settings to ask the server about. */
export const SETTING_NAMES: readonly string[] = [
  TOKEN_SETTING,
  PARTITIONS_SETTING,
  WAITING_SETTING,
  ...Object.keys(FIXED_SETTINGS),
];

/** Decides on the settings of inserts. @param known what the server says of {@linkcode SETTING_NAMES} */
export function insertSettings(known: ReadonlyMap<string, ServerSetting>): InsertSettings {
  const sent: Record<string, string> = {};
  const problems: string[] = [];
  const remarks: string[] = [];
  const fix = (name: string, fixed: FixedSetting) => {
    const setting = known.get(name);
    if (setting === undefined) return;
    if (isSettable(setting, fixed.value)) sent[name] = fixed.value;
    else if (setting.value !== fixed.value && fixed.isAsGood?.(setting.value) !== true) {
      (fixed.isGrave === true ? problems : remarks).push(describePinned(name, setting, fixed));
    }
  };
  for (const [name, fixed] of Object.entries(FIXED_SETTINGS)) fix(name, fixed);
  const asynchronous = known.get("async_insert");
  if (asynchronous !== undefined && !isSettable(asynchronous, "0") && asynchronous.value !== "0") {
    fix(WAITING_SETTING, WAITING);
  }
  const token = known.get(TOKEN_SETTING);
  const maxPartitions = Number(known.get(PARTITIONS_SETTING)?.value ?? 0);
  return {
    sent,
    takesToken: token !== undefined && !token.isPinned,
    ...(maxPartitions > 0 ? { maxPartitions } : {}),
    problems,
    remarks,
  };
}

function isSettable({ isPinned, min, max }: ServerSetting, value: string): boolean {
  return !isPinned && !(min !== undefined && Number(value) < Number(min)) &&
    !(max !== undefined && Number(value) > Number(max));
}

function describePinned(
  name: string,
  { value }: ServerSetting,
  { value: wanted, harm }: FixedSetting,
): string {
  const shown = (text: string) => text === "" ? "empty" : text;
  return `Setting '${name}' is fixed at ${shown(value)} for the connection's user, so ${harm}: ` +
    `let its profile allow ${shown(wanted)}`;
}
