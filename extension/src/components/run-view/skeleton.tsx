/** The layout of a run before anything is known of it. */

export function Skeleton({ height }: { height: number }) {
  return (
    <section className="nbf-rv nbf-rv-skeleton" aria-busy="true" aria-label="The run is loading">
      <div className="nbf-rv-head">
        <i style={{ width: 92, height: 22, borderRadius: 11 }} />
        <i style={{ width: 160 }} />
        <i style={{ width: 90, marginLeft: "auto" }} />
      </div>
      <div className="nbf-rv-bar" />
      <div className="nbf-rv-tabs">
        {[48, 62, 40, 56].map((width) => (
          <i key={width} style={{ width, margin: "10px 10px" }} />
        ))}
      </div>
      <div style={{ height }} />
    </section>
  );
}
