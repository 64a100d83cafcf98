import { api } from '@/api/client'
import type { NetworkUpload, NetworkVersionDetail } from '@/api/types'

export const MODEL = /\.inp$/i
export const MAPPING_FILE = /\.toml$/i
/** What the file dialog offers; the server looks again. */
export const ACCEPTED = '.inp,.gpkg,.shp,.shx,.dbf,.prj,.cpg,.geojson,.json,.zip,.toml'

async function sendFile(file: File, sent: (bytes: number) => void): Promise<string> {
  const upload = await api.post<NetworkUpload>('/api/network/uploads', { name: file.name, size_bytes: file.size })
  for (let place = 0; place * upload.part_bytes < file.size; place += 1) {
    const part = file.slice(place * upload.part_bytes, (place + 1) * upload.part_bytes)
    await api.put(`/api/network/uploads/${upload.id}/parts/${place}`, part)
    sent(part.size)
  }
  return upload.id
}

/** Send files in parts, then have them read together; a TOML file among them is the mapping. */
export async function sendNetwork(files: File[], crs: string | null, progress: (share: number) => void): Promise<NetworkVersionDetail> {
  const data = files.filter((file) => !MAPPING_FILE.test(file.name))
  const mappingFile = files.find((file) => MAPPING_FILE.test(file.name))
  const total = data.reduce((sum, file) => sum + file.size, 0)
  let done = 0
  const uploadIds: string[] = []
  for (const file of data) {
    uploadIds.push(
      await sendFile(file, (bytes) => {
        done += bytes
        progress(done / Math.max(1, total))
      }),
    )
  }
  return api.post<NetworkVersionDetail>('/api/network/versions', {
    upload_ids: uploadIds,
    crs,
    mapping: mappingFile ? await mappingFile.text() : null,
  })
}
