import Hardware

extension PipelineDescription {
  /// Runs tiles through it, over banks where the memory's technology has a table, over a plain interface otherwise.
  func run<Source: TileSource, Probe: PipelineProbe>(
    _ source: Source, over dram: DRAM, probe: Probe
  ) -> (PipelineOutcome, Probe) {
    guard let technology = DRAMTechnology.named(dram.technology) else {
      let memory = FlatMemory(bandwidth: dram.streamBandwidth, latency: dram.latency)
      return Self.run(TilePipeline(self, memory: memory, source: source, probe: probe))
    }
    let memory = BankedMemory(
      technology, peak: dram.peakBandwidth, latency: dram.latency, streams: stages.count)
    return Self.run(TilePipeline(self, memory: memory, source: source, probe: probe))
  }

  private static func run<Memory: TileMemory, Source: TileSource, Probe: PipelineProbe>(
    _ pipeline: TilePipeline<Memory, Source, Probe>
  ) -> (PipelineOutcome, Probe) {
    var pipeline = pipeline
    do {
      return (try pipeline.run(), pipeline.probe)
    } catch {
      // Tiles are cut so that each has room.
      preconditionFailure("\(error)")
    }
  }
}
