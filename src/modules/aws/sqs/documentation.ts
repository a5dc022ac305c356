/**
 * The page about `aws_sqs`.
 *
 * @module
 */

import type { ModuleDocumentation } from "../../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Sends each event as a message to a queue of Amazon SQS, or of a server that speaks like it, up to ten in a request.",
    "An event counts as delivered when SQS lists its message as stored, with the digest (MD5) of its body.",
    "",
    "- **Body**: as it was received. SQS takes the characters of XML 1.0 alone: a body with others, such as one with",
    "  `NUL` or that is no UTF-8, goes in Base64, and so does one that is empty, which is the end of a line then. The",
    "  attribute `cwm-body-encoding` says so with the value `base64`.",
    "- **Attributes**: `cwm-event-id`, `cwm-namespace`, `cwm-webhook`, `cwm-received-at`, `cwm-event-type` where the type",
    "  is known, and the received headers of `forward_headers`. All are texts. SQS takes ten, which are never exceeded.",
    "- **Size**: a message is its body with names, types and values of its attributes, in bytes of UTF-8. The queue is",
    "  asked once how much it takes; an event with more is a dead letter, alone.",
    "- **FIFO**: a queue whose name ends in `.fifo` gets a group, which is the webhook unless `message_group_id` says",
    "  otherwise, and the event's id for the deduplication: an event that is sent again within five minutes is stored",
    "  once. Where `message_group_id`, `forward_headers` or a step's `payload` is set, a hash ends the id, so that steps",
    "  of a chain do not pass for repetitions. The events of a webhook go in their order, one batch after the other: one that fails",
    "  holds up the later ones. Of one batch, later messages may be stored before one that SQS refuses for now.",
    "- **Again**: an event may arrive in a standard queue more than once; its `cwm-event-id` stays the same.",
  ],
  example: {
    webhooks: {
      orders: { module: "aws_sqs", connection: "aws", "module-config": { queue_name: "orders" } },
      payments: {
        module: "aws_sqs",
        connection: "aws",
        "module-config": {
          queue_url: "https://sqs.eu-central-1.amazonaws.com/123456789012/payments.fifo",
          message_group_id: "{/customer/id}",
        },
      },
    },
    connections: {
      aws: {
        type: "aws_sqs",
        region: "eu-central-1",
        aws_access_key_id: "{$AWS_ACCESS_KEY_ID}",
        aws_secret_access_key: "{$AWS_SECRET_ACCESS_KEY}",
      },
    },
  },
  notes: [
    "The rights that it needs: `sqs:SendMessage`, with `queue_name` also `sqs:GetQueueUrl`. With",
    "`sqs:GetQueueAttributes` it knows how large messages may be; without, 1 MiB is tried. Queues are never made.",
    "",
    "What happens to an event that SQS does not take:",
    "",
    "- SQS refuses it for what is in it, or it is larger than the queue takes: it is a dead letter, alone. A batch that",
    "  is refused as a whole is sent in parts first, until what is to blame stands alone. Characters that a server does",
    "  not take, though SQS does, are sent again in Base64.",
    "- There is no such queue, the right is missing, or the queue's key of KMS cannot be used: it is tried again; other",
    "  queues of the connection go on.",
    "- SQS refuses the credentials or the time of this machine, or cannot be reached: the connection is paused until it",
    "  is well again. Where it asks for fewer requests, it gets fewer.",
    "- It fails, or answers but does not say that it has the message, or has another body: it is tried again.",
    "",
    "`cwm check --probe` sends each queue a batch of no messages, which is refused for that alone where queue and right",
    "are there. Whether SQS looks at the right before is up to it.",
    "",
    "Other than in the Python service, the body is not written again, headers are no attributes unless they are named,",
    "`region` and `endpoint_url` count, a missing queue is not made, and the credentials stand in the connection: those",
    "of the environment are `{$AWS_ACCESS_KEY_ID}`.",
    "",
    "Proven against [ElasticMQ](https://github.com/softwaremill/elasticmq) 1.7.1 and",
    "[fauxqs](https://github.com/kibertoad/fauxqs) 2.4.1, not against AWS itself: neither checks signatures, which",
    "equal those of botocore. What only AWS refuses, such as certain names of attributes, is checked before.",
  ],
};
