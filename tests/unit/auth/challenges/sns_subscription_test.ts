import { assertEquals, assertRejects } from "@std/assert";
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { answerTo, compileAuthenticator } from "../../../../src/auth/authenticator.ts";
import type { ProviderAnswer } from "../../../../src/auth/challenges/challenge.ts";
import { AuthServers, type Question } from "../../../../src/auth/servers/auth_servers.ts";
import { signature } from "../../../../src/auth/signature/signature.ts";
import { GatewayError } from "../../../../src/errors.ts";
import { EventBody } from "../../../../src/event/event.ts";
import type { WholeAnswer } from "../../../../src/io/http_exchange.ts";
import { requestWith } from "../../../contracts/verifier.ts";
import { TestCertificates } from "../../../support/etcd/certificates.ts";
import {
  assertEmpty,
  assertRefused,
  ChallengedGateway,
} from "../../../support/signatures/challenged_gateway.ts";

const TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders";
const CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem";
const SUBSCRIBE_URL =
  `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=2336412f37`;

const { certificate, key } = await issued();
const certificates = { [CERTIFICATE_URL]: certificate };
const signatureOf = (topics?: readonly string[]) => ({
  provider: "sns",
  certificates,
  ...topics && { topics },
});

/** A certificate and its key. */
async function issued(): Promise<{ readonly certificate: string; readonly key: KeyObject }> {
  await using certificates = await TestCertificates.create();
  await certificates.issue("sns", "DNS:sns.amazonaws.com");
  return {
    certificate: await Deno.readTextFile(certificates.certificateOf("sns")),
    key: createPrivateKey(await Deno.readTextFile(certificates.keyOf("sns"))),
  };
}

/** A message, signed as SNS signs it. */
function message(type: string, further: Record<string, string> = {}): string {
  const fields: Record<string, string> = {
    Type: type,
    MessageId: "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
    TopicArn: TOPIC,
    Message: "You have chosen to subscribe",
    Timestamp: "2012-04-26T20:45:04.751Z",
    ...type === "Notification" ? {} : { Token: "2336412f37", SubscribeURL: SUBSCRIBE_URL },
    ...further,
  };
  const names = Object.keys(fields).sort();
  const content = names.map((name) => `${name}\n${fields[name]}\n`).join("");
  return JSON.stringify({
    ...fields,
    SignatureVersion: "2",
    SigningCertURL: CERTIFICATE_URL,
    Signature: sign("sha256", new TextEncoder().encode(content), key).toString("base64"),
  });
}

/** Stands where Amazon would be asked. */
class Amazon extends AuthServers {
  readonly asked: string[] = [];
  readonly #status: number;

  constructor(status: number) {
    super();
    this.#status = status;
  }

  override ask({ destination, method }: Question): Promise<WholeAnswer> {
    this.asked.push(`${method} https://${destination.hostname}${destination.path}`);
    return Promise.resolve({ status: this.#status, headers: {}, body: new Uint8Array() });
  }
}

/** What a webhook answers a message, with Amazon as it is. */
async function answer(body: string, amazon: Amazon, topics?: readonly string[]): Promise<ProviderAnswer> {
  const config = signature.configSchema.parse(signatureOf(topics));
  const authenticator = compileAuthenticator([signature.compile(config)]);
  const request = { ...requestWith([]), servers: amazon };
  const sent = EventBody.fromBytes(new TextEncoder().encode(body));
  const { challenge } = await authenticator.verify(await authenticator.admit(request), request, sent);
  return await answerTo(challenge!);
}

Deno.test("a subscription of a topic that the webhook lists is confirmed at Amazon", async () => {
  await using amazon = new Amazon(200);
  assertEquals(await answer(message("SubscriptionConfirmation"), amazon, ["other", TOPIC]), {
    status: 200,
    body: null,
  });
  assertEquals(amazon.asked, [`GET ${SUBSCRIBE_URL}`]);
});

Deno.test("a subscription is confirmed nowhere but at Amazon, and for its own topic alone", async () => {
  await using amazon = new Amazon(200);
  const urls = [
    "",
    SUBSCRIBE_URL.replace("https:", "http:"),
    SUBSCRIBE_URL.replace("amazonaws.com", "amazonaws.com.example"),
    SUBSCRIBE_URL.replace("sns.eu", "sqs.eu"),
    SUBSCRIBE_URL.replace("https://", "https://sns.eu-west-1.amazonaws.com@127.0.0.1:80/?"),
    SUBSCRIBE_URL.replace("amazonaws.com/", "amazonaws.com:8443/"),
    SUBSCRIBE_URL.replace("ConfirmSubscription", "Unsubscribe"),
    SUBSCRIBE_URL.replace("orders", "others"),
    `${SUBSCRIBE_URL} #`,
  ];
  for (const SubscribeURL of urls) {
    const error = await assertRejects(
      () => answer(message("SubscriptionConfirmation", { SubscribeURL }), amazon, [TOPIC]),
      GatewayError,
    );
    assertEquals(error.code, "invalid_challenge");
  }
  assertEquals(amazon.asked, []);
});

Deno.test("SNS asks again after a confirmation that Amazon did not take", async () => {
  await using amazon = new Amazon(500);
  const error = await assertRejects(
    () => answer(message("SubscriptionConfirmation"), amazon, [TOPIC]),
    GatewayError,
  );
  assertEquals([error.code, error.status], ["authentication_unavailable", 503]);
});

Deno.test("a gateway confirms a subscription that is listed, and has SNS ask again where it cannot", async () => {
  for (
    const [status, answered, outcome] of [[200, 200, "challenge"], [
      500,
      503,
      "authentication_unavailable",
    ]] as const
  ) {
    const amazon = new Amazon(status);
    await using provider = await ChallengedGateway.start(
      { orders: { signature: signatureOf([TOPIC]) } },
      {},
      amazon,
    );
    assertEquals((await provider.post("orders", message("SubscriptionConfirmation"))).status, answered);
    assertEquals(amazon.asked, [`GET ${SUBSCRIBE_URL}`]);
    assertEquals(await provider.count("orders", outcome), 1);
    assertEquals(provider.probe.events, []);
  }
});

Deno.test("subscriptions that are not listed, or not signed, are not confirmed by a gateway", async () => {
  await using provider = await ChallengedGateway.start({
    listed: { signature: signatureOf(["arn:aws:sns:eu-west-1:123456789012:others"]) },
    all: { signature: signatureOf() },
  });
  const confirmation = message("SubscriptionConfirmation");
  assertRefused(await provider.post("all", confirmation), 403, "forbidden");
  assertRefused(await provider.post("listed", confirmation), 401, "unauthorized");
  const forged = confirmation.replace("chosen to subscribe", "chosen to  subscribe");
  assertRefused(await provider.post("all", forged), 401, "unauthorized");
  assertEquals(provider.probe.events, []);
});

Deno.test("the end of a subscription is no event, and its link is not followed", async () => {
  await using provider = await ChallengedGateway.start({ orders: { signature: signatureOf([TOPIC]) } });
  assertEmpty(await provider.post("orders", message("UnsubscribeConfirmation")));
  assertEquals(await provider.count("orders", "challenge"), 1);
  assertRefused(await provider.post("orders", message("Another")), 401, "unauthorized");
  assertEquals((await provider.post("orders", message("Notification"))).status, 200);
  assertEquals(provider.probe.events.length, 1);
});
