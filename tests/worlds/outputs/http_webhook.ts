import type { OutputUnderTest, OutputWorld } from "../../contracts/output.ts";
import { HttpTarget } from "../../support/http/target.ts";

/** HTTP servers, one for each way to answer. */
export const world: OutputWorld = {
  setUp,
  exceptions: { probe: "its destinations belong to webhooks, and a probe knows of none" },
};

const SIGNING_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async function setUp(): Promise<OutputUnderTest> {
  const resources = new AsyncDisposableStack();
  const target = async (answer?: Parameters<HttpTarget["answer"]>[0]) => {
    const server = resources.use(await HttpTarget.start());
    if (answer !== undefined) server.answer(answer);
    return server;
  };
  const configFor = (url: string) => ({
    url: `${url}/hooks/path-s3cret?key=query-s3cret`,
    headers: { "x-api-key": "header-s3cret" },
    auth: { basic: { username: "gateway", password: "basic-s3cret" } },
    sign: { secret: SIGNING_SECRET },
    allowed_hosts: ["127.0.0.1"],
  });
  const taking = await target();
  const failing = await target({ status: 503 });
  const refusing = await target({ status: 422 });
  const redirecting = await target({ status: 307, headers: { location: "http://127.0.0.1:1/" } });
  const dropping = await target("drop");
  const hanging = await target("hang");
  return {
    config: configFor(taking.url),
    secrets: [
      "path-s3cret",
      "query-s3cret",
      "header-s3cret",
      "basic-s3cret",
      btoa("gateway:basic-s3cret"),
      SIGNING_SECRET.slice("whsec_".length),
    ],
    stallingConfig: configFor(hanging.url),
    failures: [
      { when: "the destination answers 422", disposition: "dead_letter", config: configFor(refusing.url) },
      { when: "the destination answers 307", disposition: "retry", config: configFor(redirecting.url) },
      { when: "the destination answers 503", disposition: "retry", config: configFor(failing.url) },
      { when: "the connection breaks", disposition: "retry", config: configFor(dropping.url) },
      { when: "nothing listens", disposition: "retry", config: configFor("http://127.0.0.1:1") },
    ],
    stall: () => taking.answer("hang"),
    goOn: () => taking.answer({ status: 200 }),
    impatient: { config: { timeout: 0.5 } },
    takeDown: () => taking.answer("drop"),
    restore: () => taking.answer({ status: 200 }),
    received: () =>
      taking.requests.map(({ headers, body }) => ({ id: headers.get("cwm-event-id") ?? "", body })),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
