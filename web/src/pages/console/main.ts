import { startPage } from '@/start'
import ConsolePage from './ConsolePage.vue'

startPage(ConsolePage)
