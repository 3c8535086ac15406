// The numbers of https://www.rfc-editor.org/rfc/rfc9113 that evenkeel looks at.

/** The type of the frame with which a request begins. */
export const HEADERS_FRAME = 1;

/** The error code of a stream that the peer has not processed. */
export const REFUSED_STREAM = 7;

/** The error code of a stream that one side no longer wants. */
export const CANCEL = 8;
