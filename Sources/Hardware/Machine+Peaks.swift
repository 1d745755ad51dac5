public import Quantities
public import Workloads

// The limits that no run on a machine exceeds: the roofs of a roofline.

extension Machine {
  /// Multiply-accumulates on kept values at the highest clock, all units together; nil for a type that the machine does not
  /// multiply. Zeros that an instruction skips are not among them, so that one rate holds for every pattern.
  public func peakRate(of type: DataType) -> MACsPerSecond? {
    switch architecture {
    case .tensorCore(let gpu):
      gpu.dataTypes.resolve(type).map {
        MACsPerSecond($0.rate.perCycle * Double(gpu.multiprocessors) * gpu.maximumClock.value)
      }
    case .s4(let processor):
      processor.dataTypes.resolve(type).map {
        let units = processor.chips * processor.cores * processor.unitsPerCore
        return MACsPerSecond($0.rate.perCycle * Double(units) * processor.clock.value)
      }
    case .systolic(let array):
      array.dataTypes.resolve(type).map {
        MACsPerSecond($0.rate.perCycle * Double(array.rows * array.columns) * array.clock.value)
      }
    }
  }

  /// The rate of the interface to off-chip memory, all chips together.
  public var memoryBandwidth: BytesPerSecond {
    switch architecture {
    case .tensorCore(let gpu): gpu.dram.peakBandwidth
    case .s4(let processor): processor.dram.peakBandwidth * Double(processor.chips)
    case .systolic(let array): array.dram.peakBandwidth
    }
  }

  /// What off-chip memory is made of, for example `HBM3e`.
  public var memoryTechnology: String {
    architecture.dram.technology
  }

  /// The power limit, all chips together; nil without one.
  public var powerCap: Watts? {
    switch architecture {
    case .tensorCore(let gpu): gpu.power.cap
    case .s4(let processor): processor.cap * Double(processor.chips)
    case .systolic: nil
    }
  }
}
