/** The response header in which pods name themselves that `evenkeel/identify` sets, and clients know. */
export const IDENTITY_HEADER = 'evenkeel-pod';
