import { startPage } from '@/start'
import SupervisePage from './SupervisePage.vue'

startPage(SupervisePage)
