/**
 * Which parts of an entry have changed, without its former value: of each part a hash is kept.
 *
 * @module
 */

/** Parts that are told apart in one entry; of one with more, only its keys are. */
const MOST_PARTS = 100;

/** Lists of names that are kept; entries with yet other names are not followed. */
const MOST_SHAPES = 10_000;

/** Two characters of a packed text are one hash, of 32 bits. */
const CHARACTERS = 2;

/** The names of the parts of an entry, which very many entries share. */
interface Shape {
  readonly number: number;
  readonly names: readonly string[];
}

/**
 * Finds the changed parts of entries: their keys, and within objects the keys of these, such as
 * `module-config.topic`. Of a quarter of a million entries with ten parts each it takes about 30 MB.
 */
export class ChangedPaths {
  readonly #shapes = new Map<string, Shape>();
  readonly #byNumber: Shape[] = [];
  /** By entry: the number of its shape as one character, and the hashes in its order. */
  readonly #packed = new Map<string, string>();

  /**
   * Takes note of the newest value of an entry.
   *
   * @param json as it was parsed; `undefined` where it could not be
   * @returns the paths that differ from the value before; `undefined` where that is not known
   */
  note(entry: string, json: unknown): readonly string[] | undefined {
    const former = this.#packed.get(entry);
    const parts = partsOf(json);
    const shape = this.#shapeOf([...parts.keys()]);
    if (shape === undefined) this.#packed.delete(entry);
    else this.#packed.set(entry, String.fromCharCode(shape.number) + [...parts.values()].join(""));
    return former === undefined ? undefined : this.#differences(former, parts);
  }

  /** The entry is gone. */
  forget(entry: string): void {
    this.#packed.delete(entry);
  }

  #differences(former: string, parts: ReadonlyMap<string, string>): readonly string[] {
    const { names } = this.#byNumber[former.charCodeAt(0)]!;
    const before = new Map(
      names.map((name, index) => [name, former.substr(1 + index * CHARACTERS, CHARACTERS)]),
    );
    const all = new Set([...before.keys(), ...parts.keys()]);
    return [...all].filter((name) => before.get(name) !== parts.get(name));
  }

  #shapeOf(names: readonly string[]): Shape | undefined {
    const key = names.join("\n");
    const known = this.#shapes.get(key);
    if (known !== undefined || this.#byNumber.length === MOST_SHAPES) return known;
    const shape = { number: this.#byNumber.length, names };
    this.#shapes.set(key, shape);
    this.#byNumber.push(shape);
    return shape;
  }
}

/** The hashes of the parts, by their paths. */
function partsOf(json: unknown): ReadonlyMap<string, string> {
  if (!isObject(json)) return new Map([["", hashOf(json)]]);
  const keys = Object.keys(json);
  const count = keys.reduce((sum, key) => {
    const value = json[key];
    return sum + (isObject(value) ? Object.keys(value).length : 1);
  }, 0);
  const parts = new Map<string, string>();
  for (const key of keys) {
    const value = json[key];
    if (count > MOST_PARTS || !isObject(value)) parts.set(key, hashOf(value));
    else for (const [inner, part] of Object.entries(value)) parts.set(`${key}.${inner}`, hashOf(part));
  }
  return parts;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.keys(value).length > 0;
}

/** FNV-1a over the text, in two characters. It withstands accidents: whoever may write an entry has no use for more. */
function hashOf(value: unknown): string {
  const text = JSON.stringify(value) ?? "";
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return String.fromCharCode(hash >>> 16, hash & 0xffff);
}
