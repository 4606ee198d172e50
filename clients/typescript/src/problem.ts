/** What can go wrong: the tracker says no (`Problem`), or says nothing (`Unreachable`). */

/** One thing that is wrong with what was sent; `index` is the item of an array, where one was sent. */
export interface FieldError {
  field: string;
  detail: string;
  index?: number;
}

/** The tracker refused: a problem document (RFC 9457). `detail` is the sentence for people. */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    /** Each wrong field. */
    readonly errors: readonly FieldError[] = [],
    /** The item of an array that it is about. */
    readonly index?: number,
    /** Seconds after which the tracker may be asked again. */
    readonly retryAfter?: number,
  ) {
    super(detail === "" ? `${status} ${title}` : `${status} ${title}: ${detail}`);
  }

  /** Reads an answer that is no success. */
  static read(status: number, document: unknown, retryAfter: string | null): Problem {
    const known = (typeof document === "object" && document !== null ? document : {}) as Partial<Problem>;
    return new Problem(
      status,
      String(known.title ?? "not an answer of mika"),
      String(known.detail ?? ""),
      Array.isArray(known.errors) ? known.errors : [],
      known.index,
      retryAfter !== null && /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) : undefined,
    );
  }
}

/** No answer came, or none that mika gives. A change that was asked for may have been made, or not. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}
