import { known, type KnownMetric } from './known.ts'

const ORIGIN = 'cAdvisor'

/** Names without `container_` (cAdvisor `docs/storage/prometheus.md`), those of the kubelet among them. */
const GAUGES = `
  cpu_load_average_10s cpu_load_d_average_10s file_descriptors fs_inodes_free fs_inodes_total fs_io_current
  fs_limit_bytes fs_usage_bytes hugetlb_max_usage_bytes hugetlb_usage_bytes last_seen llc_occupancy_bytes
  memory_bandwidth_bytes memory_bandwidth_local_bytes memory_cache memory_kernel_usage memory_mapped_file
  memory_max_usage_bytes memory_migrate memory_numa_pages memory_rss memory_swap memory_total_active_file_bytes
  memory_total_inactive_file_bytes memory_usage_bytes memory_working_set_bytes
  network_advance_tcp_stats_total network_tcp6_usage_total network_tcp_usage_total network_udp6_usage_total
  network_udp_usage_total processes referenced_bytes scrape_error sockets spec_cpu_period spec_cpu_quota
  spec_cpu_shares spec_memory_limit_bytes spec_memory_reservation_limit_bytes spec_memory_swap_limit_bytes
  start_time_seconds health_state tasks_state threads threads_max ulimits_soft accelerator_duty_cycle
  accelerator_memory_total_bytes accelerator_memory_used_bytes
`
const COUNTERS = `
  blkio_device_usage_total cpu_cfs_burst_periods_total cpu_cfs_burst_seconds_total cpu_cfs_periods_total
  cpu_cfs_throttled_periods_total cpu_cfs_throttled_seconds_total cpu_schedstat_run_periods_total
  cpu_schedstat_run_seconds_total cpu_schedstat_runqueue_seconds_total cpu_system_seconds_total
  cpu_usage_seconds_total cpu_user_seconds_total fs_io_time_seconds_total fs_io_time_weighted_seconds_total
  fs_read_seconds_total fs_reads_bytes_total fs_reads_merged_total fs_reads_total fs_sector_reads_total
  fs_sector_writes_total fs_write_seconds_total fs_writes_bytes_total fs_writes_merged_total fs_writes_total
  memory_failcnt memory_failures_total memory_migrate_total network_receive_bytes_total
  network_receive_errors_total network_receive_packets_dropped_total network_receive_packets_total
  network_transmit_bytes_total network_transmit_errors_total network_transmit_packets_dropped_total
  network_transmit_packets_total oom_events_total perf_events_scaling_ratio perf_events_total
  perf_uncore_events_scaling_ratio perf_uncore_events_total pressure_cpu_stalled_seconds_total
  pressure_cpu_waiting_seconds_total pressure_io_stalled_seconds_total pressure_io_waiting_seconds_total
  pressure_memory_stalled_seconds_total pressure_memory_waiting_seconds_total swap_usage_total
`

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

const ZERO: Readonly<Record<string, KnownMetric['zero']>> = {
  spec_memory_limit_bytes: 'limit',
  spec_memory_swap_limit_bytes: 'limit',
  spec_memory_reservation_limit_bytes: 'limit',
}

export const CADVISOR: readonly KnownMetric[] = [
  ...words(GAUGES).map(name => known(`container_${name}`, 'gauge', ORIGIN, { zero: ZERO[name] })),
  ...words(COUNTERS).map(name => known(`container_${name}`, 'counter', ORIGIN)),
]
