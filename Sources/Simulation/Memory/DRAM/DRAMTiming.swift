import Hardware
import Quantities

/// A channel's organisation and its intervals in whole clocks of the command bus, each rounded up.
struct DRAMTiming: Hashable {
  var ranks, groups, banksPerGroup: Int
  /// Bytes of a burst, and bursts of a row in one bank.
  var burstBytes, burstsPerRow: Int
  /// Clocks that a burst takes on the data pins.
  var burst: Int
  var ccdS, ccdL, rcd, rp, cl, cwl, ras, rrdS, rrdL, faw, rtp, wr, wtrS, wtrL, rtrs, rfc, refi: Int
  /// Clocks a second.
  var clock: Hertz

  /// From one opening of a row to the next of the same bank.
  var rc: Int { ras + rp }
  /// From a read to a write, so that a clock pair lies between their data.
  var readToWrite: Int { cl + burst + 2 - cwl }

  /// - Parameter transferRate: transfers of a pin in a second; nil takes the technology's.
  init(_ technology: DRAMTechnology, transferRate: Hertz? = nil) {
    let clock = (transferRate ?? technology.transferRate) / Double(technology.transfersPerClock)
    func clocks(_ interval: DRAMTechnology.Interval) -> Int {
      // What is whole but for rounding stays whole.
      max(Int(interval.clocks.count), Int((interval.time.value * clock.value - 1e-3).rounded(.up)))
    }
    let t = technology.timing
    self.clock = clock
    (ranks, groups, banksPerGroup) = (technology.ranks, technology.bankGroups, technology.banksPerGroup)
    burstBytes = technology.width * technology.burstLength / 8
    burstsPerRow = Int(technology.row.count) / burstBytes
    burst = technology.burstLength / technology.transfersPerClock
    (ccdS, ccdL) = (max(burst, clocks(t.columnToColumnS)), max(burst, clocks(t.columnToColumnL)))
    (rcd, rp, cl, cwl) = (
      clocks(t.activateToColumn), clocks(t.precharge), clocks(t.readLatency), clocks(t.writeLatency)
    )
    (ras, rrdS, rrdL) = (
      clocks(t.activateToPrecharge), clocks(t.activateToActivateS), clocks(t.activateToActivateL)
    )
    (faw, rtp, wr) = (clocks(t.fourActivates), clocks(t.readToPrecharge), clocks(t.writeRecovery))
    (wtrS, wtrL, rtrs) = (clocks(t.writeToReadS), clocks(t.writeToReadL), clocks(t.rankToRank))
    (rfc, refi) = (clocks(t.refresh), clocks(t.refreshInterval))
    precondition(groups == 1 || groups * ccdS >= ccdL, "\(groups) groups do not hide tCCD_L \(ccdL) over \(ccdS)")
    precondition(refi > rfc, "refreshes of \(rfc) clocks every \(refi)")
  }
}
