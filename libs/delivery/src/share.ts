/**
 * Of an endpoint's cap a quarter, at least 1, is the retrier's and the rest the dispatcher's: fixed, so the two apps have nothing to agree on.
 * A cap of 1 cannot be shared: such an endpoint is single-home, the dispatcher works its later attempts too.
 */
export const shareOf = (maxInFlight: number): { dispatcher: number; retrier: number } => {
  if (maxInFlight <= 1) return { dispatcher: 1, retrier: 0 };
  const retrier = Math.max(1, Math.floor(maxInFlight / 4));
  return { dispatcher: maxInFlight - retrier, retrier };
};
