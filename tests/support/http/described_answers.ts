import { assert, assertEquals } from "@std/assert";
import addFormats from "ajv-formats";
import Ajv2020 from "ajv/2020";
import type { Answer } from "../gateway.ts";

type Json = Readonly<Record<string, unknown>>;

/** One operation of a description. */
export interface DescribedOperation {
  readonly method: string;
  readonly path: string;
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}

/** Holds answers to what an OpenAPI document says of them. */
export class DescribedAnswers {
  readonly operations: ReadonlyMap<string, DescribedOperation>;
  /** The ids of operations of which an answer that is no error was held. */
  readonly answered = new Set<string>();
  readonly #ajv: Ajv2020.default;

  constructor(document: Json) {
    this.#ajv = new Ajv2020.default({ strict: false });
    addFormats.default(this.#ajv as never);
    this.#ajv.addSchema(closed(document) as Json, "api");
    this.operations = new Map(
      Object.entries(document["paths"] as Json).flatMap(([path, item]) =>
        Object.entries(item as Json).filter(([method]) => method !== "parameters").map(
          ([method, operation]) => {
            const { operationId, responses } = operation as {
              readonly operationId: string;
              readonly responses: DescribedOperation["responses"];
            };
            return [operationId, { method: method.toUpperCase(), path, responses }] as const;
          },
        )
      ),
    );
  }

  /** Fails unless the answer is one that the operation is said to have, with nothing in it that is not described. */
  hold(id: string, answer: Answer): void {
    const operation = this.operations.get(id);
    assert(operation !== undefined, `${id} is not described`);
    const response = operation.responses[answer.status];
    assert(response !== undefined, `${id} has no status ${answer.status}: ${answer.text}`);
    if (answer.status < 400) this.answered.add(id);
    const [type] = Object.keys(response.content ?? {});
    if (type === undefined) return assertEquals(answer.text, "", id);
    if (type !== "application/json") return;
    assertEquals(answer.headers.get("content-type"), type, id);
    const pointer = ["paths", operation.path, operation.method.toLowerCase(), "responses", answer.status]
      .map((part) => String(part).replaceAll("/", "~1")).map(encodeURIComponent).join("/");
    const validate = this.#ajv.compile({ $ref: `api#/${pointer}/content/application~1json/schema` });
    const isValid = validate(JSON.parse(answer.text));
    assert(isValid, `${id}: ${JSON.stringify(validate.errors)} ${answer.text}`);
  }
}

/** The same document, whose objects have no other members than those that are described. */
function closed(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(closed);
  const copy = Object.fromEntries(Object.entries(value).map(([key, child]) => [key, closed(child)]));
  const isOpen = copy["type"] === "object" && "properties" in copy && !("additionalProperties" in copy);
  return isOpen ? { ...copy, additionalProperties: false } : copy;
}
