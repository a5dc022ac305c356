/** A service that judges tokens as reCAPTCHA, hCaptcha and Turnstile do: each is good once. */

/** A running service on a free port of 127.0.0.1. */
export class SiteVerifyService implements AsyncDisposable {
  /** The fields of every request so far. */
  readonly asked: Readonly<Record<string, string>>[] = [];
  /** What a token that is good is answered with besides `success`. */
  details: Readonly<Record<string, unknown>> = { score: 0.9, action: "order", hostname: "shop.example.com" };
  /** An answer to everything, while there is one. */
  failure: { readonly status: number; readonly text: string } | undefined;
  /** Answers wait for this. */
  gate: Promise<unknown> = Promise.resolve();
  readonly #secret: string;
  readonly #good = new Set<string>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(secret: string) {
    this.#secret = secret;
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(options, (request) => this.#answer(request));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/siteverify`;
  }

  /** A token that is good once, and that nobody guesses. */
  issue(): string {
    const token = `03AFcWeA_${crypto.randomUUID()}.of~a+browser`;
    this.#good.add(token);
    return token;
  }

  async #answer(request: Request): Promise<Response> {
    const form = Object.fromEntries(new URLSearchParams(await request.text()));
    this.asked.push(form);
    await this.gate;
    const { failure } = this;
    if (failure !== undefined) return new Response(failure.text, { status: failure.status });
    if (form["secret"] !== this.#secret) return refused("invalid-input-secret");
    if (!this.#good.delete(form["response"] ?? "")) return refused("timeout-or-duplicate");
    return Response.json({ success: true, challenge_ts: new Date().toISOString(), ...this.details });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function refused(code: string): Response {
  return Response.json({ success: false, "error-codes": [code] });
}
