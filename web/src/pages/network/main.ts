import { startPage } from '@/start'
import NetworkPage from './NetworkPage.vue'

startPage(NetworkPage)
