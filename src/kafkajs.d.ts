/**
 * Types of the two files inside of kafkajs that `modules/kafkajs_repairs.ts` changes. They belong to version
 * 2.2.4, the last one.
 */

declare module "kafkajs/request-queue" {
  /** The requests of one connection to a broker. */
  export default class RequestQueue {
    readonly pending: readonly unknown[];
    scheduleCheckPendingRequests(): void;
  }
}

declare module "kafkajs/requests" {
  /** What goes into a produce request. */
  export interface ProduceArguments {
    readonly topicData: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly messages: readonly object[] }[];
    }[];
  }

  /** What comes back, once decoded. */
  export interface ProduceAnswer {
    readonly topics: readonly {
      readonly topicName: string;
      readonly partitions: readonly { readonly partition: number; readonly errorCode: number }[];
    }[];
  }

  /** A request and how its answer is read. */
  export interface ProduceExchange {
    readonly request: unknown;
    readonly response: {
      decode(bytes: unknown): Promise<ProduceAnswer>;
      parse(answer: ProduceAnswer): Promise<ProduceAnswer>;
    };
  }

  /** One kind of request in all its versions. */
  export interface ProduceDefinition {
    readonly versions: readonly string[];
    protocol(version: { readonly version: number }): (parameters: ProduceArguments) => ProduceExchange;
  }

  const definitions: { readonly requests: { Produce: ProduceDefinition } };
  export default definitions;
}
