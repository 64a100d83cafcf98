import { startPage } from '@/start'
import StartPage from './StartPage.vue'

startPage(StartPage)
