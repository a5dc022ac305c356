/**
 * Corrections to kafkajs 2.2.4, the last version of a client that is no longer maintained. They are made once,
 * to the library's own objects, when the first client is opened.
 *
 * @module
 */

import RequestQueue from "kafkajs/request-queue";
import definitions, { type Definition, type MetadataAnswer } from "kafkajs/requests";
import type { ProduceAnswer, ProduceParameters } from "kafkajs/requests";

/** A message that is told what its broker answered. */
export abstract class AnsweredMessage {
  /** Error code of the Kafka protocol, 0 for success; `undefined` while no broker has answered. */
  answer: number | undefined;
}

const { requests } = definitions;

let repaired = false;

/** Makes the corrections, unless they are made. */
export function repairKafkaJs(): void {
  if (repaired) return;
  repaired = true;
  requests.Produce = withParse(requests.Produce, tellMessages);
  requests.Metadata = withParse(requests.Metadata, permitLeaderless);
  sparePointlessTimers();
}

/** What to do with an answer instead of what the library does, which is handed in as well. */
type Parse<Parameters, Answer> = (
  answer: Answer,
  parameters: Parameters,
  parse: (answer: Answer) => Promise<Answer>,
) => Promise<Answer>;

function withParse<Parameters, Answer>(
  { versions, protocol }: Definition<Parameters, Answer>,
  parse: Parse<Parameters, Answer>,
): Definition<Parameters, Answer> {
  return {
    versions,
    protocol: (version) => {
      const exchangeFor = protocol(version);
      return (parameters) => {
        const { request, response } = exchangeFor(parameters);
        return {
          request,
          response: {
            decode: (bytes) => response.decode(bytes),
            parse: (answer) => parse(answer, parameters, (judged) => response.parse(judged)),
          },
        };
      };
    },
  };
}

/**
 * A broker answers for each partition of a request. kafkajs throws the first error that it finds and forgets
 * the other answers, so that whoever tries again sends again what has arrived. So each message is given its
 * own answer, and errors are not thrown.
 */
function tellMessages(answer: ProduceAnswer, { topicData }: ProduceParameters): Promise<ProduceAnswer> {
  for (const { topicName, partitions } of answer.topics) {
    const sent = topicData.find(({ topic }) => topic === topicName);
    for (const { partition, errorCode } of partitions) {
      const messages = sent?.partitions.find((part) => part.partition === partition)?.messages ?? [];
      for (const message of messages) {
        if (message instanceof AnsweredMessage) message.answer = errorCode;
      }
    }
  }
  return Promise.resolve(answer);
}

/**
 * One partition without a leader makes kafkajs refuse all topics that it asked for. That a partition has no
 * leader shows in its leader's number, which is -1; errors of whole topics are thrown as ever.
 */
function permitLeaderless(
  answer: MetadataAnswer,
  _parameters: unknown,
  parse: (answer: MetadataAnswer) => Promise<MetadataAnswer>,
): Promise<MetadataAnswer> {
  return parse({
    ...answer,
    topicMetadata: answer.topicMetadata.map((topic) => ({
      ...topic,
      partitionMetadata: topic.partitionMetadata.map((one) => ({ ...one, partitionErrorCode: 0 })),
    })),
  });
}

/**
 * After each answer kafkajs starts a timer that looks for waiting requests, whether there are any or not,
 * and with a negative delay, of which the runtime warns on standard error (tulios/kafkajs#1751).
 */
function sparePointlessTimers(): void {
  const { scheduleCheckPendingRequests } = RequestQueue.prototype;
  RequestQueue.prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0) scheduleCheckPendingRequests.call(this);
  };
}
