import { startPage } from '@/start'
import DeskPage from './DeskPage.vue'

startPage(DeskPage)
