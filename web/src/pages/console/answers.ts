import type { RingAnswer } from '@/api/types'

/** What ringing a customer may bring, in the order of their keys 1 to 5. */
export const ANSWERS: RingAnswer[] = ['has_water', 'no_water', 'low_pressure', 'nobody_answered', 'wrong_number']
