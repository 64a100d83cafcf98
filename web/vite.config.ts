import vue from '@vitejs/plugin-vue'
import { copyFileSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Put Leaflet beside the pages: the server writes it into the incident reports it hands out. */
function vendorLeaflet(): Plugin {
  return {
    name: 'vendor-leaflet',
    apply: 'build',
    closeBundle() {
      mkdirSync(here('dist/vendor/leaflet'), { recursive: true })
      for (const file of ['leaflet.js', 'leaflet.css']) {
        copyFileSync(here(`node_modules/leaflet/dist/${file}`), here(`dist/vendor/leaflet/${file}`))
      }
      copyFileSync(here('node_modules/leaflet/LICENSE'), here('dist/vendor/leaflet/LICENSE'))
    },
  }
}

export default defineConfig({
  plugins: [vue(), vendorLeaflet()],
  resolve: { alias: { '@': here('./src') } },
  build: {
    // One chunk may be large: the map engine is, and only pages with a map load it.
    chunkSizeWarningLimit: 1200,
    rollupOptions: {
      input: {
        index: here('index.html'),
        login: here('login.html'),
        console: here('console.html'),
        desk: here('desk.html'),
        network: here('network.html'),
        supervise: here('supervise.html'),
      },
    },
  },
  worker: { format: 'es' },
  server: {
    proxy: { '/api': process.env.MAINLINE_API ?? 'http://127.0.0.1:8000' },
  },
})
