import type { MapGeoJSONFeature } from 'maplibre-gl'
import { useI18n } from 'vue-i18n'
import { PICKABLE } from './picking'

/** What lies under the pointer, in words. */
export function useDescribe() {
  const { t } = useI18n()

  function describe(feature: MapGeoJSONFeature): string {
    const p = feature.properties
    switch (PICKABLE[feature.layer.id]) {
      case 'pipe':
        return [
          t('map.hover.pipe', { code: p.asset_code, diameter: p.diameter_mm }),
          p.material ? t(`material.${p.material}`, p.material) : '',
          p.segment_id ? t('map.hover.segment', { id: p.segment_id }) : '',
          p.in_service === false || p.is_closed === true ? t('map.hover.off') : '',
        ]
          .filter(Boolean)
          .join(' · ')
      case 'valve':
        return t('map.hover.valve', { code: p.asset_code, state: p.mark ? t(`valve.${p.mark}`) : '' })
      case 'hydrant':
        return t('map.hover.hydrant', { code: p.asset_code })
      case 'crew':
        return t('map.hover.crew', { code: p.code })
      case 'incident':
        return p.label ? t('map.hover.incident', { number: p.label }) : t('map.hover.zone')
      case 'candidate':
        return String(p.text)
      case 'closure':
        return t('map.hover.closure', { reason: p.reason })
      case 'report':
        return t('map.hover.report', { number: p.number, category: t(`category.${p.category}`) })
      default:
        return ''
    }
  }

  return describe
}
