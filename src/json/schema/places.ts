/**
 * Where the schemas within a schema are, and what its references lead to: `$id`, `$anchor`, `$dynamicAnchor` and JSON
 * Pointers. Nothing is ever fetched: what is referred to has to stand in the schema itself, if need be below `$defs`
 * with an `$id` of its own.
 *
 * @module
 */

import { keyOfToken, tokenOf } from "../pointer.ts";
import type { Dialect, KeywordKind } from "./dialect.ts";
import { isObject, type JsonObject } from "./values.ts";

/** Schemas within each other. */
const MAX_DEPTH = 100;

/** The base of references where no `$id` gives one. Its name is reserved for what does not exist (RFC 2606). */
const NO_BASE = "https://schema.invalid/";

/** What is wrong with a schema. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";

  /** @param pointer JSON Pointer to the place in the schema */
  constructor(readonly pointer: string, message: string) {
    super(message);
  }
}

/** A schema that is an object, and what surrounds it. */
export interface Place {
  readonly schema: JsonObject;
  readonly pointer: string;
  /** The resource that it belongs to: the nearest schema around it with an `$id`, or the whole. */
  readonly resource: Resource;
}

/** A schema with an identity of its own. */
export interface Resource {
  /** Without a fragment. */
  readonly uri: string;
  readonly root: JsonObject;
  readonly anchors: Map<string, JsonObject>;
  readonly dynamicAnchors: Map<string, JsonObject>;
}

/** A schema: an object, or `true` or `false`. */
export type Schema = JsonObject | boolean;

/** Every schema within a schema, by its object. */
export class Places {
  readonly dialect: Dialect;
  /** Whether references depend on the way that led to them. */
  isDynamic = false;
  readonly #places = new Map<JsonObject, Place>();
  readonly #resources = new Map<string, Resource>();

  /** @throws {SchemaError} when schemas are nested too deeply, or two have one identity */
  constructor(root: JsonObject, dialect: Dialect) {
    this.dialect = dialect;
    this.#enter(root, "", this.#addResource(NO_BASE, root), 0);
  }

  [Symbol.iterator](): Iterator<Place> {
    return this.#places.values();
  }

  placeOf(schema: JsonObject): Place {
    return this.#places.get(schema)!;
  }

  /**
   * What a reference leads to.
   *
   * @throws {SchemaError} when that does not stand in the schema
   */
  resolve(reference: string, from: Place, keyword: string): Schema {
    const uri = URL.parse(reference, from.resource.uri);
    const [target, fragment = ""] = uri === null ? [""] : splitFragment(uri.href);
    const resource = this.#resources.get(target ?? "");
    const pointer = `${from.pointer}/${keyword}`;
    if (resource === undefined) {
      const message =
        "Leads out of the schema, and nothing is fetched: put what it names below '$defs', with its '$id'";
      throw new SchemaError(pointer, message);
    }
    const found = fragment === "" || fragment.startsWith("/")
      ? this.#atPointer(resource, fragment)
      : resource.anchors.get(fragment);
    if (found === undefined) throw new SchemaError(pointer, "Leads to nothing");
    return found;
  }

  /** The name of the dynamic anchor that a `$dynamicRef` leads to; `undefined` where it is an ordinary reference. */
  dynamicName(reference: string, target: Schema): string | undefined {
    const name = splitFragment(reference)[1];
    return isObject(target) && name !== undefined && target["$dynamicAnchor"] === name ? name : undefined;
  }

  #atPointer(resource: Resource, pointer: string): Schema | undefined {
    let value: unknown = resource.root;
    let nearest = this.placeOf(resource.root);
    let path = nearest.pointer;
    for (const token of pointer.split("/").slice(1)) {
      const key = keyOfToken(token);
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
      value = (value as JsonObject)[key];
      path += `/${token}`;
      nearest = isObject(value) ? this.#places.get(value) ?? nearest : nearest;
    }
    if (typeof value === "boolean") return value;
    if (!isObject(value)) return undefined;
    // A schema that no keyword leads to is one since it is referred to.
    if (!this.#places.has(value)) this.#enter(value, path, nearest.resource, 0);
    return value;
  }

  #enter(schema: JsonObject, pointer: string, around: Resource, depth: number): void {
    if (depth > MAX_DEPTH) {
      throw new SchemaError(pointer, `Schemas are nested deeper than ${MAX_DEPTH} levels`);
    }
    const resource = this.#resourceOf(schema, pointer, around);
    this.#places.set(schema, { schema, pointer, resource });
    this.#addAnchors(schema, pointer, resource);
    for (const [keyword, value] of Object.entries(schema)) {
      const kind = this.dialect.keywords.get(keyword);
      if (kind === undefined || this.#isIgnored(schema, keyword)) continue;
      for (const [name, child] of childrenOf(kind, value)) {
        if (!isObject(child)) continue;
        const path = `${pointer}/${keyword}${name === undefined ? "" : `/${tokenOf(name)}`}`;
        this.#enter(child, path, resource, depth + 1);
      }
    }
  }

  /** In draft-07 a reference stands alone: what is beside it does not count. */
  #isIgnored(schema: JsonObject, keyword: string): boolean {
    return this.dialect.draft === "draft-07" && typeof schema["$ref"] === "string" &&
      keyword !== "$ref" && keyword !== "definitions";
  }

  #resourceOf(schema: JsonObject, pointer: string, around: Resource): Resource {
    const { $id } = schema;
    if (typeof $id !== "string" || this.#isIgnored(schema, "$id") || $id.startsWith("#")) return around;
    const uri = URL.parse($id, around.uri);
    if (uri === null) throw new SchemaError(`${pointer}/$id`, "Not a URI reference");
    const [target, fragment] = splitFragment(uri.href);
    if (fragment !== undefined && fragment !== "") {
      throw new SchemaError(`${pointer}/$id`, "Must not have a fragment");
    }
    return this.#resources.has(target!) && this.#resources.get(target!)!.root !== schema
      ? this.#refuseTwice(pointer)
      : this.#addResource(target!, schema);
  }

  #refuseTwice(pointer: string): never {
    throw new SchemaError(`${pointer}/$id`, "Stands in the schema twice");
  }

  #addResource(uri: string, root: JsonObject): Resource {
    const resource: Resource = { uri, root, anchors: new Map(), dynamicAnchors: new Map() };
    this.#resources.set(uri, resource);
    return resource;
  }

  #addAnchors(schema: JsonObject, pointer: string, { anchors, dynamicAnchors }: Resource): void {
    const { $id, $anchor, $dynamicAnchor, $dynamicRef } = schema;
    const isOld = this.dialect.draft === "draft-07";
    const name = isOld
      ? (typeof $id === "string" && $id.startsWith("#") && !this.#isIgnored(schema, "$id")
        ? $id.slice(1)
        : undefined)
      : $anchor;
    for (const anchor of isOld ? [name] : [name, $dynamicAnchor]) {
      if (typeof anchor !== "string" || anchor === "") continue;
      if (anchors.has(anchor) && anchors.get(anchor) !== schema) {
        throw new SchemaError(pointer, "An anchor stands in one schema twice");
      }
      anchors.set(anchor, schema);
    }
    if (isOld) return;
    if (typeof $dynamicAnchor === "string") dynamicAnchors.set($dynamicAnchor, schema);
    if (typeof $dynamicRef === "string") this.isDynamic = true;
  }
}

/** The schemas in the value of a keyword, with their names or numbers. Values of another kind have none. */
export function* childrenOf(kind: KeywordKind, value: unknown): Iterable<[string | undefined, unknown]> {
  switch (kind) {
    case "schema":
      yield [undefined, value];
      return;
    case "items":
      if (!Array.isArray(value)) yield [undefined, value];
      else yield* Object.entries(value);
      return;
    case "schemas":
      if (Array.isArray(value)) yield* Object.entries(value);
      return;
    case "map":
    case "patterns":
      if (isObject(value)) yield* Object.entries(value);
      return;
    case "dependencies":
      if (isObject(value)) yield* Object.entries(value).filter(([, child]) => !Array.isArray(child));
  }
}

function splitFragment(uri: string): [uri: string, fragment: string | undefined] {
  const at = uri.indexOf("#");
  if (at === -1) return [uri, undefined];
  return [uri.slice(0, at), decoded(uri.slice(at + 1))];
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    // What is not encoded well names nothing.
    return fragment;
  }
}
