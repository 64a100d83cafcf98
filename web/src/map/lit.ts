import type { FilterSpecification } from 'maplibre-gl'

/** Mains that shine because a list beside the map speaks of them: one by its id, or all of a segment. */
export type Lit = { by: 'id'; is: string } | { by: 'segment_id'; is: number }

export function litFilter(lit: Lit | null): FilterSpecification {
  return lit ? ['==', ['get', lit.by], lit.is] : false
}
