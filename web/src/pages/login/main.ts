import { startPage } from '@/start'
import LoginPage from './LoginPage.vue'

startPage(LoginPage)
