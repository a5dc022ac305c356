/** Why compressed data is not what it says it is. */
export class DataError extends Error {
  override readonly name = "DataError";

  static incomplete(): DataError {
    return new DataError("The compressed data ends early");
  }

  static followed(): DataError {
    return new DataError("Something follows the compressed data");
  }
}
