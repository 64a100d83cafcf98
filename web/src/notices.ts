import { ElMessage } from 'element-plus'
import { useI18n } from 'vue-i18n'
import { ApiError } from './api/client'

/** Short notices over the page: what was done, and what the server refused. */
export function useNotices() {
  const { t } = useI18n()
  return {
    done: (message: string) => void ElMessage({ message, type: 'success' }),
    told: (message: string) => void ElMessage({ message, grouping: true }),
    refused(refusal: unknown): void {
      const message = refusal instanceof ApiError && refusal.status !== 0 ? refusal.message : t('error.offline')
      ElMessage({ message, type: 'error', duration: 8000, showClose: true, grouping: true })
    },
  }
}
