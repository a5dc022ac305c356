/**
 * Two corrections to kafkajs 2.2.4, the last version of a client that is no longer maintained. Both are
 * made once, to the library's own objects, when the first client is opened.
 *
 * @module
 */

import RequestQueue from "kafkajs/request-queue";
import definitions, { type ProduceAnswer, type ProduceArguments } from "kafkajs/requests";

/** A message that is told what its broker answered. */
export abstract class AnsweredMessage {
  /** Error code of the Kafka protocol, 0 for success; `undefined` while no broker has answered. */
  answer: number | undefined;
}

let repaired = false;

/** Makes the corrections, unless they are made. */
export function repairKafkaJs(): void {
  if (repaired) return;
  repaired = true;
  keepAnswers();
  sparePointlessTimers();
}

/**
 * A broker answers for each partition of a request. kafkajs throws the first error that it finds and forgets
 * the other answers; when some brokers answer and others do not, it forgets those that did. Whoever then
 * tries again sends again what has arrived. So each message is given its own answer, and errors in answers
 * are no longer thrown.
 */
function keepAnswers(): void {
  const { requests } = definitions;
  const { versions, protocol } = requests.Produce;
  requests.Produce = {
    versions,
    protocol: (version) => {
      const exchangeFor = protocol(version);
      return (parameters) => {
        const { request, response } = exchangeFor(parameters);
        const parse = (answer: ProduceAnswer) => {
          tellMessages(parameters, answer);
          return Promise.resolve(answer);
        };
        return { request, response: { decode: (bytes) => response.decode(bytes), parse } };
      };
    },
  };
}

function tellMessages({ topicData }: ProduceArguments, answer: ProduceAnswer): void {
  for (const { topicName, partitions } of answer.topics) {
    const sent = topicData.find(({ topic }) => topic === topicName);
    for (const { partition, errorCode } of partitions) {
      const messages = sent?.partitions.find((part) => part.partition === partition)?.messages ?? [];
      for (const message of messages) {
        if (message instanceof AnsweredMessage) message.answer = errorCode;
      }
    }
  }
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
